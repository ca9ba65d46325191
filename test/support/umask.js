// Suites that play the mover in their own process set its umask, and jest gives the process on to the next suite.
process.umask(0o022);
