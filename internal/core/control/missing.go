package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// missing looks for the reason why nobody answers at endpoint, for the operator; "" if somebody listens there.
func missing(endpoint string) string {
	network, address, _ := strings.Cut(endpoint, "://")
	if network == "ipc" {
		network = "unix"
		if _, err := os.Stat(address); errors.Is(err, os.ErrNotExist) {
			return fmt.Sprintf("is nowcastd up running with this configuration? nowcastd broker is missing: socket %s does not exist", address)
		}
	}
	conn, err := net.DialTimeout(network, address, time.Second)
	if err != nil {
		return fmt.Sprintf("is nowcastd up running with this configuration? nowcastd broker is missing: nobody serves %s (%v)", address, err)
	}
	conn.Close()
	return ""
}
