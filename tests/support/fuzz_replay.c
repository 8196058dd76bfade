/* Runs a fuzz target over the files of a corpus, one after the other: an ordinary test under any
 * compiler. usage: replay_NAME DIRECTORY */
#include "tests/support/fuzz_target.h"

#include <dirent.h>
#include <stdio.h>

/** Hands one file over in a block of just its size, so that sanitizers see a byte read too many. */
static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        return false;
    }
    const long size = ftell(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    rewind(file);
    const bool read =
        data != NULL && size >= 0 && fread(data, 1, (size_t)size, file) == (size_t)size;
    (void)fclose(file);
    if (read) {
        (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    } else {
        perror(path);
    }
    free(data);
    return read;
}

int main(int argc, char **argv)
{
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    uint32_t n = 0;
    bool good = true;
    if (directory == NULL) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (struct dirent *entry = readdir(directory); good && entry != NULL;
         entry = readdir(directory)) {
        char path[4096];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        good = replay_file(path);
        ++n;
    }
    (void)closedir(directory);
    (void)printf("%u files\n", n);
    return good && n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
