/** @file eval.h What `hyplan eval` can judge. Each takes its own argv (argv[0] is its name) and
 * returns the exit status. */
#ifndef EVAL_H
#define EVAL_H

int eval_policy(int argc, char **argv);
int eval_prune(int argc, char **argv);
int eval_predictor(int argc, char **argv);

#endif
