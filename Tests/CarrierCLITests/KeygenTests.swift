import Foundation
import Glibc
import Testing

@Suite("carrier keygen")
struct KeygenTests {
    private func isID(_ text: String) -> Bool { text.wholeMatch(of: /[0-9a-f]{64}/) != nil }

    private func mode(_ scratch: Scratch, _ name: String) -> UInt32 {
        var information = stat()
        lstat("\(scratch.path)/\(name)", &information)
        return information.st_mode & 0o7777
    }

    @Test("the id lands in a variable and the identity in a private file")
    func idInAVariable() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell("umask 000; ID=$(carrier keygen -o n1.pem) && echo \"got $ID\"")
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.output.wholeMatch(of: /got [0-9a-f]{64}\n/) != nil)
        #expect(mode(scratch, "n1.pem") == 0o600)
        #expect(scratch.names == ["n1.pem"])
    }

    @Test("the PEM passes through tee into --public, and the ids agree")
    func throughTee() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            "umask 077; carrier keygen -o - 2>id | tee node.pem | carrier keygen --public - && carrier keygen --public - <node.pem"
        )
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.lines.count == 2 && outcome.lines[0] == outcome.lines[1])
        #expect(try scratch.read("id") == "carrier: \(outcome.lines[0])\n")
    }

    @Test("openssl reads the key, and its public half is the id", .enabled(if: Scratch.has("openssl")))
    func opensslReadsIt() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            carrier keygen -o n.pem && openssl pkey -in n.pem -noout -text >text && head -1 text &&
            openssl pkey -in n.pem -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \\n'
            """)
        #expect(outcome.code == 0, "\(outcome)")
        #expect(outcome.lines.count == 3 && outcome.lines[1].contains("ED25519"))
        #expect(outcome.lines.first == outcome.lines.last)
    }

    @Test("a file that exists is 73 and stays; --force keeps the old one as .bak")
    func existingFile() async throws {
        let scratch = try Scratch()
        _ = try await scratch.carrier("keygen", "-o", "n.pem")
        let first = try scratch.read("n.pem")
        let again = try await scratch.carrier("keygen", "-o", "n.pem", "--static-bits", "60")
        #expect(again.code == 73 && again.output.isEmpty, "\(again)")
        #expect(again.elapsed < .seconds(5), "it looks before it searches")
        #expect(try scratch.read("n.pem") == first)
        let forced = try await scratch.carrier("keygen", "-o", "n.pem", "--force")
        #expect(forced.code == 0, "\(forced)")
        #expect(try scratch.read("n.pem.bak") == first)
        #expect(try scratch.read("n.pem") != first)
        #expect(scratch.names == ["n.pem", "n.pem.bak"])
    }

    @Test("of many that write one name at once, one wins and the others say 73")
    func race() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            "for i in 1 2 3 4 5 6; do (carrier keygen -o n.pem 2>/dev/null; echo $?) & done; wait")
        #expect(outcome.lines.filter { $0 == "0" }.count == 1, "\(outcome)")
        #expect(outcome.lines.filter { $0 == "73" }.count == 5)
        #expect(scratch.names == ["n.pem"])
        #expect(try await scratch.carrier("keygen", "--check", "n.pem").code == 0)
    }

    @Test("the record has the keys of the table, and they are true")
    func record() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.carrier("keygen", "--json", "-o", "n.pem", "--static-bits", "9")
        let record = try #require(outcome.records.first)
        #expect(outcome.lines.count == 1 && outcome.errors.isEmpty)
        #expect(
            record.keys == [
                "type", "public_key", "node_id", "static_bits", "dynamic_bits", "path", "tries", "elapsed_ms",
            ])
        #expect(record.type == "identity" && record["path"]?.text == "n.pem")
        #expect(try #require(record["static_bits"]?.number) >= 9)
        #expect(try #require(record["dynamic_bits"]?.number) >= 8)
        #expect(try #require(record["tries"]?.number) >= 1)
        #expect(isID(record["public_key"]?.text ?? "") && isID(record["node_id"]?.text ?? ""))
        let shown = try await scratch.carrier("keygen", "--json", "--public", "n.pem")
        for key in ["public_key", "node_id", "static_bits", "dynamic_bits"] {
            #expect(shown.records.first?[key] == record[key])
        }
        #expect(
            try await scratch.carrier("keygen", "--public", "n.pem").output == (record["public_key"]?.text ?? "") + "\n"
        )
    }

    @Test("files open to others are refused, files open to the group warned about")
    func permissions() async throws {
        let scratch = try Scratch()
        _ = try await scratch.carrier("keygen", "-o", "n.pem")
        for (mode, code): (mode_t, Int32) in [
            (0o644, 77), (0o604, 77), (0o606, 77), (0o640, 0), (0o600, 0), (0o400, 0),
        ] {
            chmod("\(scratch.path)/n.pem", mode)
            for flag in ["--public", "--check"] {
                let outcome = try await scratch.carrier("keygen", flag, "n.pem")
                #expect(outcome.code == code, "mode \(String(mode, radix: 8)): \(outcome)")
                #expect(outcome.output.isEmpty == (code != 0))
                #expect(outcome.errors.contains("warning") == (mode == 0o640))
            }
            let redirected = try await scratch.shell("carrier keygen --public - <n.pem")
            #expect(redirected.code == code)
        }
    }

    @Test("a key file of another user is refused", .enabled(if: geteuid() == 0))
    func foreignOwner() async throws {
        let scratch = try Scratch()
        _ = try await scratch.carrier("keygen", "-o", "n.pem")
        chown("\(scratch.path)/n.pem", 12345, 12345)
        let outcome = try await scratch.carrier("keygen", "--public", "n.pem")
        #expect(outcome.code == 77 && outcome.errors.contains("12345"), "\(outcome)")
    }

    @Test("--check answers no where the puzzle is too easy, and names what is malformed or missing")
    func check() async throws {
        let scratch = try Scratch()
        _ = try await scratch.carrier("keygen", "-o", "n.pem")
        #expect(try await scratch.carrier("keygen", "--check", "n.pem").code == 0)
        #expect(try await scratch.carrier("keygen", "--check", "n.pem", "--static-bits", "50").code == 1)
        #expect(try await scratch.carrier("keygen", "--check", "n.pem", "--dynamic-bits", "50").code == 1)
        #expect(try await scratch.carrier("keygen", "--check", "none.pem").code == 66)
        let whole = try scratch.read("n.pem")
        let cut = [String(whole.prefix(40)), "", "hello\n", whole.replacingOccurrences(of: "NONCE", with: "NUNCE")]
        for text in cut + [String(repeating: whole, count: 600)] {
            let outcome = try await {
                try scratch.write(text, to: "bad.pem")
                chmod("\(scratch.path)/bad.pem", 0o600)
                return try await scratch.carrier("keygen", "--json", "--check", "bad.pem")
            }()
            #expect(outcome.code == 65, "\(outcome)")
            let record = try #require(outcome.records.first)
            #expect(record.type == "error" && record["code"]?.text == "data" && record["exit"]?.number == 65)
            #expect(record["target"]?.text == "bad.pem" && record["message"]?.text?.isEmpty == false)
        }
    }

    @Test("a search that ends early leaves nothing behind")
    func interrupted() async throws {
        let scratch = try Scratch()
        for (signal, code) in [(SIGINT, -SIGINT), (SIGTERM, -SIGTERM), (SIGHUP, -SIGHUP)] {
            let child = try scratch.start("keygen", "--static-bits", "60", "-o", "n.pem")
            #expect(await child.catches(SIGTERM))
            child.send(SIGQUIT)
            #expect(await child.errorLine(containing: "carrier: ") != nil)
            child.send(signal)
            let outcome = await child.outcome()
            #expect(outcome.code == code && outcome.elapsed < .seconds(10), "\(outcome)")
        }
        let late = try await scratch.carrier("keygen", "--static-bits", "60", "-o", "n.pem", "--timeout", "200ms")
        #expect(late.code == 7 && late.output.isEmpty && !late.errors.isEmpty, "\(late)")
        #expect(scratch.names.isEmpty)
    }

    @Test("without -o the identity goes to the configuration directory, which only its owner can enter")
    func standardPlace() async throws {
        let scratch = try Scratch()
        let made = try await scratch.carrier("keygen")
        #expect(made.code == 0, "\(made)")
        #expect(mode(scratch, ".config/carrier") == 0o700 && mode(scratch, ".config/carrier/identity.pem") == 0o600)
        #expect(try await scratch.carrier("keygen", "--public").output == made.output)
        #expect(try await scratch.carrier("keygen").code == 73)
        let other = try await scratch.carrier("keygen", environment: ["XDG_CONFIG_HOME": "\(scratch.path)/xdg"])
        #expect(other.code == 0 && scratch.names.contains("xdg"), "\(other)")
        let named = try await scratch.carrier("keygen", environment: ["CARRIER_IDENTITY": "\(scratch.path)/my.pem"])
        #expect(named.code == 0 && mode(scratch, "my.pem") == 0o600, "\(named)")
        let shown = try await scratch.carrier(
            "keygen", "--public", environment: ["CARRIER_IDENTITY": "\(scratch.path)/my.pem"])
        #expect(shown.output == named.output)
    }

    @Test("a directory that is not there or cannot be written is 73, and says so before the search")
    func noDirectory() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.carrier("keygen", "-o", "none/n.pem", "--static-bits", "60")
        #expect(outcome.code == 73 && outcome.errors.contains("none"), "\(outcome)")
    }

    @Test(
        "a file system without room keeps nothing of the file",
        .enabled(if: Permission.ownMounts, "needs the right to mounts of its own"))
    func fullDisk() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell(
            """
            mkdir full; unshare -m bash -c '
              mount -t tmpfs -o size=4k,nr_inodes=8 none full && cd full || exit 99
              dd if=/dev/zero of=filler bs=4k count=1 2>/dev/null
              carrier keygen -o n.pem; echo "code $?"; ls'
            """)
        // Where mounting is not allowed there is nothing to see.
        if outcome.code == 99 { return }
        #expect(outcome.lines == ["code 74", "filler"], "\(outcome)")
    }
}
