module github.com/resolverwatch/resolverwatch/test/peers

go 1.26.0

toolchain go1.26.11

require (
	github.com/resolverwatch/resolverwatch v0.0.0
	github.com/v2fly/v2ray-core/v5 v5.30.0
)

require (
	github.com/FastFilter/xorfilter v0.4.2-0.20260120015552-4e5a4d9df65a // indirect
	github.com/klauspost/cpuid/v2 v2.2.10 // indirect
	github.com/zeebo/xxh3 v1.1.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/resolverwatch/resolverwatch => ../..
