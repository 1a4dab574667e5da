package log

import (
	"fmt"
	"strconv"
)

// BlockSize is the unit of all writes to the WAL, in bytes: what a direct write needs, and the largest atomic unit of
// common devices. On disk, don't change.
const BlockSize = 4096

// AlignedBytes returns n zero bytes that begin at an address which is a multiple of [BlockSize], as a direct write needs.
func AlignedBytes(n int) []byte {
	b := make([]byte, n+BlockSize)
	// The address decides nothing but which of the bytes are used. fmt knows it without package unsafe.
	addr, err := strconv.ParseUint(fmt.Sprintf("%p", b)[2:], 16, 64)
	if err != nil {
		panic(fmt.Sprintf("log: address of a slice: %v", err))
	}
	skip := int(-addr % BlockSize)
	return b[skip : skip+n : skip+n]
}
