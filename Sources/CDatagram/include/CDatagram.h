// What a datagram socket needs of the system that Swift cannot say: control messages.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/// Sends `size` bytes to `remote`, or where the socket is connected to when `remote` is NULL.
///
/// `segment`: where nonzero and less than `size`, the kernel cuts the bytes into datagrams of this size.
/// `local`: the source address, where the socket is bound to all addresses; NULL for the system's choice.
/// Returns 0, or the error number.
int cdatagram_send(
    int descriptor, const void *bytes, size_t size, size_t segment, const struct sockaddr *remote,
    socklen_t remote_size, const struct sockaddr *local);

/// Makes the kernel refuse datagrams that do not fit instead of cutting them, as path MTU discovery needs.
int cdatagram_forbid_fragments(int descriptor, int family);

/// Opens a socket that is connected to `remote`, and writes which addresses the system gave both ends: in its form,
/// of the family of `remote`, each into `remote_size` bytes.
///
/// Returns its descriptor, or the negative error number.
int cdatagram_connect(
    const struct sockaddr *remote, socklen_t remote_size, void *here, void *there);

/// Takes the error that waits at a socket; 0 for none.
int cdatagram_error(int descriptor);
