#include <stddef.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpreplyparse.h>

/* Asks for internet gateways of both versions at once: one wait of delay_ms, where a search type by type waits for each. */
static inline struct UPNPDev *carrier_upnp_discover(int delay_ms, const char *interface, int *error) {
    static const char *const types[] = {
        "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
        "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
        "urn:schemas-upnp-org:service:WANIPConnection:2",
        "urn:schemas-upnp-org:service:WANIPConnection:1",
        "urn:schemas-upnp-org:service:WANPPPConnection:1",
        NULL,
    };
    return upnpDiscoverDevices(types, delay_ms, interface, NULL, UPNP_LOCAL_PORT_ANY, 0, 2, error, 1);
}
