// What glibc's allocator tells and takes beyond malloc itself.
#include <malloc.h>
