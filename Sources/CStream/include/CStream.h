// What sessions and their byte streams need of the system that Swift cannot say: reads and writes that never wait, the size of a
// pipe, the processors at hand.
#pragma once
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/// Reads what is there, at most `size` bytes, whether or not the descriptor is set to wait.
///
/// Returns how many, 0 at the end, or a negative error number: of EAGAIN when there is nothing yet; of EOPNOTSUPP, ENOSYS,
/// EINVAL or EPERM where the system can only wait (pipes before Linux 6.4 and those with a name, terminals; a sandbox).
ssize_t cstream_read(int descriptor, void *bytes, size_t size);

/// Writes as much as there is room for, whether or not the descriptor is set to wait. Returns as `cstream_read` does.
ssize_t cstream_write(int descriptor, const struct iovec *pieces, int count);

/// Has a pipe hold so many bytes at least. What is no pipe, and a pipe that the system does not let have them, stays as it is.
void cstream_enlarge_pipe(int descriptor, int size);

/// On how many processors this process may run; 0 where that is not known.
int cstream_processors(void);
