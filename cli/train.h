/** @file train.h What `hyplan train` can train. Each takes its own argv (argv[0] is its name) and
 * returns the exit status. */
#ifndef TRAIN_H
#define TRAIN_H

int train_policy(int argc, char **argv);
int train_predictor(int argc, char **argv);

#endif
