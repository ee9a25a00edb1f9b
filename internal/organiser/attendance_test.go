package organiser_test

import (
	"errors"
	"fmt"
	"testing"
	"unicode/utf16"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/spreadsheet"
)

// Reports as Teams and Zoom make them, of made-up people.
const (
	teamsReport = "1. Summary\n" +
		"Meeting title\tSamskabelse\n" +
		"Attended participants\t4\n" +
		"Start time\t12/1/26, 1:57:41 PM\n" +
		"End time\t12/1/26, 3:02:10 PM\n" +
		"Meeting duration\t1h 4m 29s\n" +
		"Average attendance time\t51m 2s\n" +
		"\n" +
		"2. Participants\n" +
		"Name\tFirst Join\tLast Leave\tIn-Meeting Duration\tEmail\tParticipant ID (UPN)\tRole\n" +
		"Mette Nybo\t12/1/26, 1:58:00 PM\t12/1/26, 3:01:00 PM\t1h 3m\tMette@example.dk\tmette@example.dk\tPresenter\n" +
		"Ib Bo (Unverified)\t12/1/26, 1:58:00 PM\t12/1/26, 3:01:00 PM\t1h 3m\t\t\tAttendee\n" +
		"Åse Ø (Guest)\t12/1/26, 1:59:00 PM\t12/1/26, 3:01:00 PM\t1h 2m\t\tase@other.example.org\tAttendee\n" +
		"Fremmed\t12/1/26, 1:59:00 PM\t12/1/26, 3:01:00 PM\t1h 2m\tfremmed@example.org\tfremmed@example.org\tAttendee\n" +
		"\n" +
		"3. In-Meeting Activities\n" +
		"Name\tJoin Time\tLeave Time\tDuration\tEmail\tRole\n" +
		"Mette Nybo\t12/1/26, 1:58:00 PM\t12/1/26, 3:01:00 PM\t1h 3m\tMette@example.dk\tPresenter\n"
	zoomReport = "Meeting ID,Topic,Start Time,End Time,User Email,Duration (Minutes),Participants\n" +
		"123 4567 8901,Samskabelse,12/01/2026 01:57:41 PM,12/01/2026 03:02:10 PM,vaert@example.dk,65,3\n" +
		"\n" +
		"Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes),Guest,Recording Consent\n" +
		"Mette Nybo,mette@example.dk,12/01/2026 01:58:00 PM,12/01/2026 02:20:00 PM,22,No,\n" +
		"Mette Nybo,mette@example.dk,12/01/2026 02:21:00 PM,12/01/2026 03:01:00 PM,40,No,\n" +
		"ib bo (Ibs iPad),,12/01/2026 01:58:00 PM,12/01/2026 03:01:00 PM,63,Yes,\n"
)

// utf16LE is a text as Teams writes it.
func utf16LE(s string) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

func TestPlanAttendance(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(func(e *deltag.Event) { e.Questions = nil })
	sign := func(name, email string) deltag.Registration {
		_, r, err := f.AddRegistration(f.ctx, anna, e.ID, deltag.SignUpRequest{Name: name, Email: deltag.Address{Original: email}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	mette := sign("Mette N. Nybo", "mette@example.dk")
	sign("Ib Bo", "ib@example.dk")
	sign("Åse Ø", "aase@example.dk")
	sign("Åse Ø", "aase2@example.dk")
	sign("Fremmed", "mette2@example.dk")
	plan := func(file []byte) (all []string, err error) {
		table, err := spreadsheet.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		_, lines, err := f.PlanAttendance(f.ctx, anna, e.ID, table)
		for _, l := range lines {
			all = append(all, fmt.Sprintf("%d %s <%s> %s %d", l.Line, l.Name, l.Email, l.Attendee.Email, len(l.Proposals)))
		}
		return all, err
	}
	for name, c := range map[string]struct {
		file []byte
		want []string
	}{
		"Teams": {utf16LE(teamsReport), []string{
			"11 Mette Nybo <Mette@example.dk> mette@example.dk 0", "12 Ib Bo <>  1", "13 Åse Ø <ase@other.example.org>  2",
			"14 Fremmed <fremmed@example.org>  1",
		}},
		"Zoom": {[]byte(zoomReport), []string{"5 Mette Nybo <mette@example.dk> mette@example.dk 0", "7 ib bo <>  1"}},
		"ZoomWithoutAHead": {[]byte("Name (Original Name),User Email,Total Duration (Minutes),Guest\nX,ib@example.dk,3,Yes\n"),
			[]string{"2 X <ib@example.dk> ib@example.dk 0"}},
		"Danish": {[]byte("Navn;E-mail\nIb;ib@example.dk\n"), []string{"2 Ib <ib@example.dk> ib@example.dk 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := plan(c.file)
			wantError(t, err, nil)
			wantEqual(t, got, c.want)
		})
	}
	t.Run("RefusesWhatNamesNobody", func(t *testing.T) {
		for _, file := range []string{"a;b\nc;d\n", "Name,Duration\nMette,3\n"} {
			_, err := plan([]byte(file))
			var refused *spreadsheet.FileError
			if !errors.As(err, &refused) || refused.Code != organiser.CodeNoParticipants {
				t.Errorf("%q: %v", file, err)
			}
		}
	})
	t.Run("NotesOnce", func(t *testing.T) {
		never := func() bool { return false }
		later := annaAt(e.EndsAt)
		for range 2 {
			_, rest, err := f.NoteAttendance(f.ctx, later, e.ID, []string{mette.ID, mette.ID, "gone", ""}, never)
			wantEqual(t, []any{len(rest), err}, []any{0, error(nil)})
			later = annaAt(e.EndsAt.AddDate(0, 0, 1))
		}
		_, r, err := f.Registration(f.ctx, anna, e.ID, mette.ID)
		wantEqual(t, []any{r.AttendedAt, err}, []any{e.EndsAt, error(nil)})
		counts, err := f.store.Counts(f.ctx, e)
		wantEqual(t, []any{counts.Attended, err}, []any{1, error(nil)})
	})
	t.Run("StopsWhenTheTimeIsUp", func(t *testing.T) {
		ids := make([]string, 100)
		_, rest, err := f.NoteAttendance(f.ctx, anna, e.ID, ids, func() bool { return true })
		wantEqual(t, []any{len(rest), err}, []any{60, error(nil)})
	})
}
