package dynamo

// How the store reads an item, for tests that read the whole table at once.
var (
	DecodeDelivery     = decodeDelivery
	DecodeEvent        = decodeEvent
	DecodeRegistration = decodeRegistration
)

const DeletionDelay = deletionDelay
