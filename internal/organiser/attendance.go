package organiser

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"deltag/internal/address"
	"deltag/internal/deltag"
	"deltag/internal/spreadsheet"
)

// CodeNoParticipants is that of a spreadsheet.FileError: a report has no list of people with their addresses.
const CodeNoParticipants = "no-participants"

// An AttendanceLine is somebody whom the report of a meeting names. The report may name them once for each time that
// they came in; the first line counts.
type AttendanceLine struct {
	Line        int // as in spreadsheet.Row
	Name, Email string
	// Attendee is who that is. Its ID is "" when nobody is signed up with the address.
	Attendee deltag.Attendee
	// Proposals are those who have the name, when nobody has the address. People come with other accounts than they sign
	// up with, and names are no proof.
	Proposals []deltag.Attendee
}

// PlanAttendance finds the people whom a meeting's report names, as Teams and Zoom make it, among those who are signed
// up. It reads all of them, and writes nothing. The error is a *spreadsheet.FileError when the report has no people.
func (s *Service) PlanAttendance(
	ctx context.Context, by Caller, eventID string, report spreadsheet.Table,
) (deltag.Event, []AttendanceLine, error) {
	e, err := s.eventToEdit(ctx, by, eventID)
	if err != nil {
		return e, nil, err
	}
	lines := readAttendance(report)
	if len(lines) == 0 {
		return e, nil, &spreadsheet.FileError{Code: CodeNoParticipants}
	}
	var mu sync.Mutex
	byID, byName := map[string]deltag.Attendee{}, map[string][]deltag.Attendee{}
	err = s.eachPart(ctx, eventID, func(attendees []deltag.Attendee) {
		mu.Lock()
		defer mu.Unlock()
		for _, a := range attendees {
			byID[a.ID] = a
			name := foldText(a.Name)
			byName[name] = append(byName[name], a)
		}
	})
	if err != nil {
		return e, nil, err
	}
	found := map[string]bool{}
	for i := range lines {
		if a, err := address.Parse(lines[i].Email); err == nil {
			lines[i].Attendee = byID[deltag.RegistrationID(e, a)]
			found[lines[i].Attendee.ID] = true
		}
	}
	for i := range lines {
		line := &lines[i]
		if line.Attendee.ID != "" {
			continue
		}
		for _, a := range byName[foldText(line.Name)] {
			if !found[a.ID] {
				line.Proposals = append(line.Proposals, a)
			}
		}
	}
	return e, lines, nil
}

// Heads of the columns of a report, as columnHead spells them. Teams has the address that somebody signs in with too,
// which is used where the first has none.
var (
	reportNames    = []string{"name", "fullname", "nameoriginalname", "navn", "fuldenavn", "fuldtnavn", "navnoprindeligtnavn"}
	reportEmails   = []string{"email", "useremail", "mail", "emailadresse", "brugersemail", "brugermail"}
	reportAccounts = []string{"participantidupn", "deltageridupn", "upn", "userprincipalname"}
)

// sectionHead begins a part of a Teams report: "3. In-Meeting Activities".
var sectionHead = regexp.MustCompile(`^\d+\. `)

// readAttendance reads the people of a report, each once. Before them there may be anything, such as what the meeting was
// called, and behind them other parts.
func readAttendance(report spreadsheet.Table) (lines []AttendanceLine) {
	name, email, account := -1, -1, -1
	known := map[string]bool{}
	for _, row := range slices.Concat([]spreadsheet.Row{report.Header}, report.Rows) {
		if email < 0 {
			if name, email, account = findColumns(row); email < 0 {
				email = account
			}
			continue
		}
		if sectionHead.MatchString(row.Cell(0)) && len(strings.Join(row.Cells[1:], "")) == 0 {
			break
		}
		line := AttendanceLine{Line: row.Line, Name: reportedName(row.Cell(name)), Email: deltag.TrimBlank(row.Cell(email))}
		if line.Email == "" && account >= 0 {
			line.Email = deltag.TrimBlank(row.Cell(account))
		}
		key := foldText(line.Email)
		if key == "" {
			key = foldText(line.Name)
		}
		if key != "" && !known[key] {
			known[key] = true
			lines = append(lines, line)
		}
	}
	return lines
}

// findColumns finds the columns of a row that heads a list of people, -1 for each that it has not.
func findColumns(row spreadsheet.Row) (name, email, account int) {
	name, email, account = -1, -1, -1
	for i, cell := range row.Cells {
		switch head := columnHead(cell); {
		case name < 0 && slices.Contains(reportNames, head):
			name = i
		case email < 0 && slices.Contains(reportEmails, head):
			email = i
		case account < 0 && slices.Contains(reportAccounts, head):
			account = i
		}
	}
	if name < 0 { // one of the lines above the list
		return -1, -1, -1
	}
	return name, email, account
}

// reportedName is a name without what programs add to it: "Mette Nybo (Mette)", "Mette Nybo (Guest)".
func reportedName(cell string) string {
	name, _, _ := strings.Cut(cell, " (")
	return deltag.TrimBlank(name)
}

// NoteAttendance notes that the people with these ids attended, until enough says so, which is asked between a few of
// them. It returns those whom it has not come to. Who is noted already keeps the time, and who is gone is passed over,
// so it may be repeated.
func (s *Service) NoteAttendance(
	ctx context.Context, by Caller, eventID string, ids []string, enough func() bool,
) (e deltag.Event, rest []string, err error) {
	if e, err = s.eventToEdit(ctx, by, eventID); err != nil {
		return e, ids, err
	}
	for begin := 0; begin < len(ids); begin += importChunk {
		if begin > 0 && enough() {
			return e, ids[begin:], nil
		}
		some := slices.Clone(ids[begin:min(begin+importChunk, len(ids))])
		slices.Sort(some)
		if err := s.noteSome(ctx, by, e, slices.Compact(some)); err != nil {
			return e, ids[begin:], err
		}
	}
	return e, nil, nil
}

func (s *Service) noteSome(ctx context.Context, by Caller, e deltag.Event, ids []string) error {
	registrations, err := s.Store.RegistrationsByID(ctx, e.ID, ids)
	if err != nil {
		return err
	}
	var notes errgroup.Group
	notes.SetLimit(parallelSignUps)
	for _, r := range registrations {
		if !r.AttendedAt.IsZero() {
			continue
		}
		notes.Go(func() error {
			ctx := by.record(ctx, deltag.AuditEntry{
				Action: deltag.AuditAttendanceNoted, EventID: e.ID, RegistrationID: r.ID, Details: []string{yesNo(true)},
			})
			err := s.Store.NoteAttended(ctx, e, r, true, by.Now)
			if errors.Is(err, deltag.ErrNotFound) { // erased since
				return nil
			}
			return err
		})
	}
	return notes.Wait()
}
