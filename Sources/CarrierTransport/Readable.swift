internal import Glibc

/// Whether a descriptor has bytes, an end or an error to be read (poll(2), which does not wait); nil without a descriptor.
func isReadable(_ descriptor: CInt) -> Bool? {
    guard descriptor >= 0 else { return nil }
    var asked = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&asked, 1, 0) != 0
}
