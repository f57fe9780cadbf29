#pragma once
#include <pcap/pcap.h>
#include <stdio.h>
#include <sys/types.h>

/* glibc's fopencookie(3), which its headers show only under _GNU_SOURCE: libpcap reads FILE streams, and this makes
   one out of any source of bytes. */
typedef struct {
    ssize_t (*read)(void *cookie, char *buffer, size_t size);
    ssize_t (*write)(void *cookie, const char *buffer, size_t size);
    int (*seek)(void *cookie, long long *offset, int whence);
    int (*close)(void *cookie);
} carrier_stream_functions;

FILE *carrier_stream_open(void *cookie, const char *mode, carrier_stream_functions functions) __asm__("fopencookie");

/* How many bytes the stream has pulled from its source and nobody has read yet. */
static inline size_t carrier_stream_waiting(FILE *stream) { return (size_t)(stream->_IO_read_end - stream->_IO_read_ptr); }
