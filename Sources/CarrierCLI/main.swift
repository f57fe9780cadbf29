// Before anything opens a descriptor of its own.
Descriptors.openClosedStandardOnes()
Environment.keepRuntimeOutOfTheSystemLog()
Program.run(Array(CommandLine.arguments.dropFirst()))
