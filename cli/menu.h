/** @file menu.h Commands of which one word of the command line chooses one.
 *  Ownership: borrows everything. Threads: the main thread. Allocation: none. */
#ifndef MENU_H
#define MENU_H

#include <stddef.h>

typedef struct menu_item {
    const char *name, *help;
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
} menu_item;

typedef struct menu {
    const char *program;        /* "hyplan train" */
    const char *word;           /* what one item is called: "WHAT" */
    const char *before, *after; /* what the help says around the items and how to get more */
    const menu_item *items;
    size_t n;
} menu;

enum { MENU_MAX = 32 };

/** Runs the item that argv[1] names, with the rest of argv. Shows the help when asked; without a
 *  word, or with an unknown one, complains and returns CLI_USAGE. */
int menu_run(const menu *m, int argc, char **argv);

#endif
