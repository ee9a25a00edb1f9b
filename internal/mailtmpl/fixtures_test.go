package mailtmpl_test

import (
	"bytes"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/mailtmpl"
)

var (
	composer = &mailtmpl.Renderer{From: "Deltag <tilmelding@mail.example.dk>", BaseURL: "https://deltag.example.dk"}
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
		Language: deltag.LanguageDanish, TimeZone: "Europe/Copenhagen", Status: deltag.EventOpen, ICalSequence: 2, ScheduleVersion: 1,
		StartsAt: start, EndsAt: start.Add(time.Hour), RetentionDays: 30,
		JoinURL:   "https://meet.example.org/hemmelig",
		Organiser: deltag.Organiser{Name: "UKON", Email: "hej@ukon.example.dk"},
		Questions: []deltag.Question{
			{ID: "why", Kind: deltag.QuestionLongText, Label: "Hvad håber du at tage med hjem?"},
			{ID: "field", Kind: deltag.QuestionMultipleChoice, Label: "Hvilke områder arbejder du med?", Options: []string{"Ældre", "Børn og unge", "Byudvikling"}},
			{ID: "photo", Kind: deltag.QuestionCheckbox, Label: "Jeg er indforstået med, at mødet optages"},
		},
	}
}

func registration() deltag.Registration {
	return deltag.Registration{
		EventID: "aaaaaaaaaaaaaaaaaaaa", ID: "bbbbbbbbbbbbbbbbbbbb", Name: "Mette Østergård", Language: deltag.LanguageDanish,
		Email:        deltag.Address{Original: "Mette@example.dk", Normalized: "mette@example.dk"},
		Organisation: "Solbæk Kommune", Role: "Afdelingsleder",
		Answers: map[string][]string{
			"why": {"Et par greb, jeg kan bruge mandag morgen."}, "field": {"Ældre", "Byudvikling"}, "photo": {deltag.CheckedValue},
		},
		Status: deltag.RegistrationConfirmed, ConfirmedAt: early, RegisteredAt: early, MailVersion: 1, Secret: bytes.Repeat([]byte{7}, 16),
	}
}

// A mailCase is a letter and when it is sent.
type mailCase struct {
	deltag.MailContext
	at time.Time
}

// mailCases are all that a mail can be about, in one language.
func mailCases(l deltag.Language) map[string]mailCase {
	e, r := event(), registration()
	r.Language = l
	waiting, left, unqueued, off := r, r, r, e
	waiting.Status, waiting.ConfirmedAt, waiting.WaitlistedAt = deltag.RegistrationWaitlisted, time.Time{}, early
	left.Status, left.ICalSequence = deltag.RegistrationCancelled, 1
	unqueued.Status, unqueued.ConfirmedAt = deltag.RegistrationCancelled, time.Time{}
	off.Status = deltag.EventCancelled
	hint := map[deltag.Language]string{
		deltag.LanguageDanish: "Kære {name}, hav gerne papir og blyant klar.\n\nLæs på forhånd: https://ukon.example.dk/laes, " +
			"så får du mere ud af »{title}« {when}.\nDin indgang: {link}",
		deltag.LanguageEnglish: "Dear {name}, please bring pen and paper.\n\nRead before: https://ukon.example.dk/read, " +
			"and get more out of “{title}” on {when}.\nYour way in: {link}",
	}[l]
	write := func(k deltag.MailKind, r deltag.Registration, at time.Time, text string) mailCase {
		return mailCase{deltag.MailContext{Event: e, Registration: r, Kind: k, Version: 1, DueAt: at, Text: text}, at}
	}
	parting := func(k deltag.MailKind, r deltag.Registration) mailCase {
		s := write(k, r, early, "")
		s.Registration = *deltag.NewFinalDelivery(e, r, k, early).DetachedRecipient
		return s
	}
	inLine := write(deltag.KindWaitlisted, waiting, early, "")
	inLine.WaitlistPosition = 3
	cancelled, cancelledWaiting := write(deltag.KindEventCancelled, r, early, ""), write(deltag.KindEventCancelled, waiting, early, "")
	cancelled.Event, cancelledWaiting.Event = off, off
	return map[string]mailCase{
		"confirmation":         write(deltag.KindConfirmation, r, early, ""),
		"confirmation-soon":    write(deltag.KindConfirmation, r, soon, ""),
		"confirmation-running": write(deltag.KindConfirmation, r, start.Add(5*time.Minute), ""),
		"waiting":              inLine,
		"promoted":             write(deltag.KindPromoted, r, early, ""),
		"withdrawn":            write(deltag.KindRegistrationCancelled, left, early, ""),
		"withdrawn-waiting":    write(deltag.KindRegistrationCancelled, unqueued, early, ""),
		"readdressed":          parting(deltag.KindAddressChanged, r),
		"erased":               parting(deltag.KindErasureReceipt, r),
		"preview":              write(deltag.KindPreview, r, early, hint),
		"moved":                write(deltag.KindMoved, r, early, ""),
		"changed":              write(deltag.KindChanged, r, early, ""),
		"cancelled":            cancelled,
		"cancelled-waiting":    cancelledWaiting,
		"reminder-P1D":         write("reminder-P1D", r, dayAhead, hint),
		"reminder-PT1H":        write("reminder-PT1H", r, start.Add(-time.Hour), ""),
		"reminder-PT10M":       write("reminder-PT10M", r, atDoor, ""),
		"followup-attended":    write(deltag.KindFollowUpAttended, r, after, hint),
		"followup-missed":      write(deltag.KindFollowUpMissed, r, after, hint),
		"message":              write(deltag.KindMessage, r, early, hint),
		"message-waiting":      write(deltag.KindMessage, waiting, early, hint),
	}
}
