package dynamo_test

import (
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
)

func TestParseTask(t *testing.T) {
	const event, registration = "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb"
	for sk, wanted := range map[string]deltag.DueTask{
		"PROMOTE":               {Kind: deltag.TaskPromote},
		"SEATS":                 {Kind: deltag.TaskCheckSeats},
		"SEAT#17":               {Kind: deltag.TaskReturnSeat, Seat: "17"},
		"RECONCILE":             {Kind: deltag.TaskReconcile},
		"ERASE":                 {Kind: deltag.TaskEraseEvent},
		"PURGE#" + registration: {Kind: deltag.TaskPurgeDeliveries, RegistrationID: registration},
		"MAILING#reminder-P1D#2": {
			Kind: deltag.TaskMailing, Mailing: deltag.MailingKey{EventID: event, Kind: "reminder-P1D", Version: 2},
		},
		"MAIL#" + registration + "#confirmation#3": {
			Kind: deltag.TaskDelivery, Delivery: deltag.DeliveryKey{
				EventID: event, RegistrationID: registration, Kind: deltag.KindConfirmation, Version: 3,
			},
		},
	} {
		wanted.EventID = event
		for _, partition := range []string{"", "#07", "#WAIT", "#SEATS"} {
			want(t, dynamo.ParseTask("EVENT#"+event+partition, sk), wanted)
		}
	}
	for _, sk := range []string{
		"", "META", "PROMOTE#", "ERASE#1", "PURGE#", "PURGE#short", "MAIL#a#b", "MAIL#a#b#c", "MAIL#a#b#1#2",
		"MAILING#reminder-P1D", "MAILING#a#b#1", "REG#" + registration, "SEAT#", "SEATS#1",
		"MAILING#later#1", "MAIL#" + registration + "#later#1", // of a later version
	} {
		wanted := deltag.DueTask{Kind: deltag.TaskUnknown, UnknownKey: "EVENT#" + event + " " + sk}
		want(t, dynamo.ParseTask("EVENT#"+event, sk), wanted)
	}
	for _, pk := range []string{"", "EVENT#", "EVENT#short", "SLUG#" + event} {
		wanted := deltag.DueTask{Kind: deltag.TaskUnknown, UnknownKey: pk + " PROMOTE"}
		want(t, dynamo.ParseTask(pk, "PROMOTE"), wanted)
	}
}
