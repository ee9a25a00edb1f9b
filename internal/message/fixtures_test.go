package message_test

import (
	"bytes"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/message"
)

var (
	composer = &message.Composer{From: "Deltag <tilmelding@mail.example.dk>", BaseURL: "https://deltag.example.dk"}
	start    = time.Date(2026, 12, 1, 13, 0, 0, 0, time.UTC) // 14.00 in Copenhagen
	early    = time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)
	dayAhead = start.Add(-24 * time.Hour)
	soon     = start.Add(-30 * time.Minute)
	atDoor   = start.Add(-10 * time.Minute)
	after    = start.Add(2 * time.Hour)
)

func event() deltag.Event {
	return deltag.Event{
		ID: "aaaaaaaaaaaaaaaaaaaa", Slug: "samskabelse", Title: "Når velfærd skabes sammen – en times tænketank",
		Language: deltag.Danish, TimeZone: "Europe/Copenhagen", Status: deltag.Open, Sequence: 2, Schedule: 1,
		StartsAt: start, EndsAt: start.Add(time.Hour), RetentionDays: 30,
		JoinURL:   "https://meet.example.org/hemmelig",
		Organiser: deltag.Organiser{Name: "UKON", Email: "hej@ukon.example.dk"},
		Questions: []deltag.Question{
			{ID: "why", Kind: deltag.LongText, Label: "Hvad håber du at tage med hjem?"},
			{ID: "field", Kind: deltag.MultipleChoice, Label: "Hvilke områder arbejder du med?", Options: []string{"Ældre", "Børn og unge", "Byudvikling"}},
			{ID: "photo", Kind: deltag.TickBox, Label: "Jeg er indforstået med, at mødet optages"},
		},
	}
}

func registration() deltag.Registration {
	return deltag.Registration{
		EventID: "aaaaaaaaaaaaaaaaaaaa", ID: "bbbbbbbbbbbbbbbbbbbb", Name: "Mette Østergård", Language: deltag.Danish,
		Email:        deltag.Address{Typed: "Mette@example.dk", Identity: "mette@example.dk"},
		Organisation: "Solbæk Kommune", Role: "Afdelingsleder",
		Answers: map[string][]string{
			"why": {"Et par greb, jeg kan bruge mandag morgen."}, "field": {"Ældre", "Byudvikling"}, "photo": {deltag.TickedValue},
		},
		Status: deltag.Confirmed, ConfirmedAt: early, RegisteredAt: early, MailVersion: 1, Secret: bytes.Repeat([]byte{7}, 16),
	}
}

// A scene is a letter and when it is sent.
type scene struct {
	deltag.Letter
	at time.Time
}

// scenes are all that a mail can be about, in one language.
func scenes(l deltag.Language) map[string]scene {
	e, r := event(), registration()
	r.Language = l
	waiting, left, unqueued, off := r, r, r, e
	waiting.Status, waiting.ConfirmedAt, waiting.WaitingSince = deltag.Waiting, time.Time{}, early
	left.Status, left.Sequence = deltag.Withdrawn, 1
	unqueued.Status, unqueued.ConfirmedAt = deltag.Withdrawn, time.Time{}
	off.Status = deltag.Cancelled
	hint := map[deltag.Language]string{
		deltag.Danish: "Kære {name}, hav gerne papir og blyant klar.\n\nLæs på forhånd: https://ukon.example.dk/laes, " +
			"så får du mere ud af »{title}« {when}.\nDin indgang: {link}",
		deltag.English: "Dear {name}, please bring pen and paper.\n\nRead before: https://ukon.example.dk/read, " +
			"and get more out of “{title}” on {when}.\nYour way in: {link}",
	}[l]
	write := func(k deltag.Kind, r deltag.Registration, at time.Time, text string) scene {
		return scene{deltag.Letter{Event: e, Registration: r, Kind: k, Version: 1, DueAt: at, Text: text}, at}
	}
	parting := func(k deltag.Kind, r deltag.Registration) scene {
		s := write(k, r, early, "")
		s.Registration = *deltag.Farewell(e, r, k, early).Addressee
		return s
	}
	inLine := write(deltag.WaitingNote, waiting, early, "")
	inLine.Place = 3
	cancelled, cancelledWaiting := write(deltag.CancelledNote, r, early, ""), write(deltag.CancelledNote, waiting, early, "")
	cancelled.Event, cancelledWaiting.Event = off, off
	return map[string]scene{
		"confirmation":         write(deltag.Confirmation, r, early, ""),
		"confirmation-soon":    write(deltag.Confirmation, r, soon, ""),
		"confirmation-running": write(deltag.Confirmation, r, start.Add(5*time.Minute), ""),
		"waiting":              inLine,
		"promoted":             write(deltag.Promoted, r, early, ""),
		"withdrawn":            write(deltag.WithdrawnNote, left, early, ""),
		"withdrawn-waiting":    write(deltag.WithdrawnNote, unqueued, early, ""),
		"readdressed":          parting(deltag.Readdressed, r),
		"erased":               parting(deltag.Erased, r),
		"preview":              write(deltag.Preview, r, early, hint),
		"moved":                write(deltag.Moved, r, early, ""),
		"changed":              write(deltag.Changed, r, early, ""),
		"cancelled":            cancelled,
		"cancelled-waiting":    cancelledWaiting,
		"reminder-P1D":         write("reminder-P1D", r, dayAhead, hint),
		"reminder-PT1H":        write("reminder-PT1H", r, start.Add(-time.Hour), ""),
		"reminder-PT10M":       write("reminder-PT10M", r, atDoor, ""),
		"followup-attended":    write(deltag.FollowUpAttended, r, after, hint),
		"followup-missed":      write(deltag.FollowUpMissed, r, after, hint),
		"message":              write(deltag.Message, r, early, hint),
		"message-waiting":      write(deltag.Message, waiting, early, hint),
	}
}
