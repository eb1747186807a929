//go:build !amd64

package main

var olderCalls = map[uint64]string{}
