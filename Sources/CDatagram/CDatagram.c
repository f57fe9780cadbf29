#define _GNU_SOURCE
#include "CDatagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static struct cmsghdr *add(struct msghdr *message, struct cmsghdr *at, int level, int type, const void *data, size_t size) {
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(at), data, size);
    message->msg_controllen += CMSG_SPACE(size);
    return (struct cmsghdr *)((char *)at + CMSG_SPACE(size));
}

int cdatagram_send(
    int descriptor, const void *bytes, size_t size, size_t segment, const struct sockaddr *remote,
    socklen_t remote_size, const struct sockaddr *local) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (remote) {
        message.msg_name = (void *)remote;
        message.msg_namelen = remote_size;
    }
    memset(&control, 0, sizeof control);
    struct cmsghdr *at = &control.header;
    if (segment > 0 && segment < size) {
        uint16_t value = (uint16_t)segment;
        at = add(&message, at, IPPROTO_UDP, UDP_SEGMENT, &value, sizeof value);
    }
    if (local && local->sa_family == AF_INET) {
        struct in_pktinfo info = {.ipi_spec_dst = ((const struct sockaddr_in *)local)->sin_addr};
        at = add(&message, at, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else if (
        local && local->sa_family == AF_INET6 &&
        // Such an address says nothing without its interface, which the system finds by itself.
        !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)local)->sin6_addr)) {
        struct in6_pktinfo info = {.ipi6_addr = ((const struct sockaddr_in6 *)local)->sin6_addr};
        at = add(&message, at, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    if (message.msg_controllen > 0) message.msg_control = &control;
    while (sendmsg(descriptor, &message, MSG_DONTWAIT) < 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
}

int cdatagram_forbid_fragments(int descriptor, int family) {
    int value = IP_PMTUDISC_PROBE;
    int status = family == AF_INET6
        ? setsockopt(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, sizeof value)
        : setsockopt(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof value);
    return status < 0 ? errno : 0;
}

int cdatagram_connect(
    const struct sockaddr *remote, socklen_t remote_size, void *here, void *there) {
    int descriptor = socket(remote->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    socklen_t here_size = remote_size, there_size = remote_size;
    if (connect(descriptor, remote, remote_size) < 0 || getsockname(descriptor, here, &here_size) < 0 ||
        getpeername(descriptor, there, &there_size) < 0) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int cdatagram_error(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}
