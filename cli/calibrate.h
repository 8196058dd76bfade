/** @file calibrate.h What `hyplan calibrate` can measure besides the policy on the road. Takes its
 * own argv (argv[0] is its name) and returns the exit status. */
#ifndef CALIBRATE_H
#define CALIBRATE_H

int calibrate_prune(int argc, char **argv);

#endif
