import Foundation
import Testing

/// Row 36: what the machine does to a node.
@Suite("Row 36: the machine", .serialized)
struct MachineFaultTests {
    @Test("row 36: a full disk under stdout ends a node with 74; under a recording it is said and the node goes on")
    func fullDisk() async throws {
        let scratch = try Scratch()
        let full = try await scratch.shell("carrier listen tcp://127.0.0.1:0 >/dev/full")
        #expect(full.code == 74 && full.errors.contains("stdout") && full.elapsed < .seconds(5), "\(full)")
        let node = try await ListeningNode("--record", "/dev/full")
        for _ in 0..<2 {
            let (ping, _) = try await node.ping(2)
            #expect(ping.code == 0, "\(ping)")
        }
        let end = await node.end()
        #expect(end.errors.contains("No space left"), "\(end)")
    }

    @Test("listen raises its limit of descriptors for --max-peers, as far as it may, and says when that is not enough")
    func descriptorLimit() async throws {
        let scratch = try Scratch()
        let limits = { (limit: String, peers: Int) in
            try await scratch.shell(
                """
                rm -f ready; ulimit -n 4096; ulimit \(limit)
                carrier listen --max-peers \(peers) --ready-file ready tcp://127.0.0.1:0 >addresses & listen=$!
                until [ -s ready ]; do sleep 0.02; done
                awk '/open files/ { print $4, $5 }' /proc/$listen/limits
                kill $listen
                """)
        }
        let enough = try await limits("-Sn 1024", 128)
        #expect(enough.lines == ["1024 4096"] && !enough.errors.contains("warning"), "\(enough)")
        let raised = try await limits("-Sn 1024", 3000)
        #expect(raised.lines == ["3512 4096"] && !raised.errors.contains("warning"), "\(raised)")
        let short = try await limits("-Sn 1024", 5000)
        #expect(short.lines == ["4096 4096"], "\(short)")
        #expect(short.errors.contains("takes 5512 descriptors, the system allows 4096"), "\(short)")
    }

    @Test("row 36: a transfer into a full disk ends both sides, and neither says that all is well")
    func fullOutput() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            carrier listen --pipe --ready-file ready tcp://127.0.0.1:0 >/dev/full & listen=$!
            until [ -s ready ]; do sleep 0.02; done
            head -c 10000000 /dev/zero | carrier dial --send-only "$(cat ready)"; echo ${PIPESTATUS[1]}
            wait $listen; echo $?
            """)
        #expect(outcome.lines.count == 2 && outcome.lines[0] != "0" && outcome.lines[1] == "74", "\(outcome)")
    }

    @Test(
        "row 36: a clock that is set a day ahead and back disturbs no session and no deadline",
        .enabled(if: Scratch.has("cc"), "needs a C compiler"))
    func clock() async throws {
        let scratch = try Scratch()
        try scratch.write(
            """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <time.h>
            #include <unistd.h>
            // The wall clock, as it would be were it set a day ahead while a file named "day" is there.
            int clock_gettime(clockid_t id, struct timespec *now) {
                static int (*real)(clockid_t, struct timespec *);
                if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
                int status = real(id, now);
                if (status == 0 && id == CLOCK_REALTIME && access("day", F_OK) == 0) now->tv_sec += 86400;
                return status;
            }
            """, to: "day.c")
        let outcome = try await scratch.shell(
            """
            cc -shared -fPIC -o day.so day.c -ldl || exit
            LD_PRELOAD=$PWD/day.so carrier listen -v --json --ready-file ready tcp://127.0.0.1:0 >events 2>log & listen=$!
            until [ -s ready ]; do sleep 0.02; done
            LD_PRELOAD=$PWD/day.so carrier ping --json -c 12 -i 100ms "$(cat ready)" >pings & ping=$!
            sleep 0.4; touch day; sleep 0.4; rm day
            wait $ping; echo $?
            touch day; carrier ping -q -c 1 "$(cat ready)" >/dev/null; echo $?
            grep -c '"reply"' pings; grep -c '"down"' events
            kill $listen; wait $listen; cat log >&2
            """, limit: .seconds(30))
        #expect(outcome.lines == ["0", "0", "12", "2"], "\(outcome)")
    }
}
