#define _GNU_SOURCE
#include "CStream.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

ssize_t cstream_read(int descriptor, void *bytes, size_t size) {
    struct iovec room = {.iov_base = bytes, .iov_len = size};
    ssize_t count;
    // Position -1: from where the descriptor stands, as read() does.
    do count = preadv2(descriptor, &room, 1, -1, RWF_NOWAIT);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

ssize_t cstream_write(int descriptor, const struct iovec *pieces, int count) {
    ssize_t done;
    do done = pwritev2(descriptor, pieces, count, -1, RWF_NOWAIT);
    while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : done;
}

void cstream_enlarge_pipe(int descriptor, int size) {
    int now = fcntl(descriptor, F_GETPIPE_SZ);
    if (now >= 0 && now < size) (void)fcntl(descriptor, F_SETPIPE_SZ, size);
}

int cstream_processors(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}
