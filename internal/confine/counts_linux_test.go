package confine

const kernelCounts = countsMemory
