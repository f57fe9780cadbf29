// Before anything opens a descriptor of its own.
Descriptors.openClosedStandardOnes()
Program.run(Array(CommandLine.arguments.dropFirst()))
