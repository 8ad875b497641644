package harness

// InChild is inChild for the tests of the other package.
var InChild = inChild
