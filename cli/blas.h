/** @file blas.h Before training: OpenBLAS with kernels that fit the processor.
 *  Threads: the main thread, before others start. Allocation: none. */
#ifndef BLAS_H
#define BLAS_H

/** Where OpenBLAS chose kernels that are too old for this processor, starts this program once more
 *  with better ones named in OPENBLAS_CORETYPE (a choice of the user's there is kept, with a
 *  warning); it reads that only when it is loaded. Then sets it to one thread. */
void blas_choose_kernels(void);

#endif
