// With an assembly file, be it empty, the compiler takes functions without a body:
// those that timers.go links from the runtime.
