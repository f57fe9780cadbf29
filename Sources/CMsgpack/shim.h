// MessagePack's C library, and its parser once more to look before it allocates.
//
// msgpack_unpack_next() allocates by the counts that its input declares. So the library's own parser
// (unpack_template.h, made to be given other callbacks) goes over the input first, with callbacks that build nothing:
// they hold each declared count against the bytes that there are.
#include <msgpack.h>
#include <msgpack/unpack_define.h>

typedef struct carrier_msgpack_tally {
    // How many values have begun: containers with their header, all others when they are whole.
    uint64_t values;
    // How many more values the input has room for, a byte each; at first, its size.
    uint64_t room;
    // The count that was over `room`, else 0.
    uint64_t declared;
} carrier_msgpack_tally;

static inline int carrier_msgpack_count(carrier_msgpack_tally *tally, uint64_t contents) {
    tally->values += 1;
    if (contents > tally->room) {
        tally->declared = contents;
        return MSGPACK_UNPACK_PARSE_ERROR;
    }
    tally->room -= contents;
    return 0;
}

#define CARRIER_MSGPACK_FIXED(name, type) \
    static inline int carrier_msgpack_on_##name(carrier_msgpack_tally *tally, type value, int *object) { \
        (void)value; \
        *object = 0; \
        return carrier_msgpack_count(tally, 0); \
    }
CARRIER_MSGPACK_FIXED(uint8, uint8_t)
CARRIER_MSGPACK_FIXED(uint16, uint16_t)
CARRIER_MSGPACK_FIXED(uint32, uint32_t)
CARRIER_MSGPACK_FIXED(uint64, uint64_t)
CARRIER_MSGPACK_FIXED(int8, int8_t)
CARRIER_MSGPACK_FIXED(int16, int16_t)
CARRIER_MSGPACK_FIXED(int32, int32_t)
CARRIER_MSGPACK_FIXED(int64, int64_t)
CARRIER_MSGPACK_FIXED(float, float)
CARRIER_MSGPACK_FIXED(double, double)
#undef CARRIER_MSGPACK_FIXED

#define CARRIER_MSGPACK_SIMPLE(name) \
    static inline int carrier_msgpack_on_##name(carrier_msgpack_tally *tally, int *object) { \
        *object = 0; \
        return carrier_msgpack_count(tally, 0); \
    }
CARRIER_MSGPACK_SIMPLE(nil)
CARRIER_MSGPACK_SIMPLE(false)
CARRIER_MSGPACK_SIMPLE(true)
#undef CARRIER_MSGPACK_SIMPLE

static inline int carrier_msgpack_on_root(carrier_msgpack_tally *tally) {
    (void)tally;
    return 0;
}

static inline int carrier_msgpack_on_array(carrier_msgpack_tally *tally, uint64_t count, int *object) {
    *object = 0;
    return carrier_msgpack_count(tally, count);
}

static inline int carrier_msgpack_on_map(carrier_msgpack_tally *tally, uint64_t count, int *object) {
    *object = 0;
    return carrier_msgpack_count(tally, 2 * count);
}

static inline int carrier_msgpack_on_array_item(carrier_msgpack_tally *tally, int *container, int object) {
    (void)tally, (void)container, (void)object;
    return 0;
}

static inline int carrier_msgpack_on_map_item(carrier_msgpack_tally *tally, int *container, int key, int object) {
    (void)tally, (void)container, (void)key, (void)object;
    return 0;
}

#define CARRIER_MSGPACK_VARIABLE(name) \
    static inline int carrier_msgpack_on_##name( \
        carrier_msgpack_tally *tally, const char *base, const char *bytes, unsigned int size, int *object) { \
        (void)base, (void)bytes, (void)size; \
        *object = 0; \
        return carrier_msgpack_count(tally, 0); \
    }
CARRIER_MSGPACK_VARIABLE(str)
CARRIER_MSGPACK_VARIABLE(bin)
CARRIER_MSGPACK_VARIABLE(ext)
#undef CARRIER_MSGPACK_VARIABLE

#define msgpack_unpack_struct(name) struct carrier_msgpack##name
#define msgpack_unpack_func(result, name) static inline result carrier_msgpack##name
#define msgpack_unpack_callback(name) carrier_msgpack_on##name
#define msgpack_unpack_object int
#define msgpack_unpack_user carrier_msgpack_tally
#include <msgpack/unpack_template.h>
