package storetest

import (
	"fmt"
	"strings"
)

// PersonPK is the partition key of what belongs to one registration of an event.
func PersonPK(eventID, registrationID string) string {
	const order = "234567abcdefghijklmnopqrstuvwxyz"
	bits := 32*strings.IndexByte(order, registrationID[0]) + strings.IndexByte(order, registrationID[1])
	return fmt.Sprintf("EVENT#%s#%02d", eventID, bits/16)
}
