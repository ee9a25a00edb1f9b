package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"deltag/internal/organiser"
	"deltag/internal/spreadsheet"
)

// An attendanceView says who of those whom a report names is signed up.
type attendanceView struct {
	Path    string // of the form that notes them
	Back    string
	Matched []organiser.AttendanceLine // not noted yet
	IDs     string                     // of the matched, in one field: a form may have 10,000 at most
	Known   []organiser.AttendanceLine // noted already
	Similar []organiser.AttendanceLine // somebody else has the name alone
	Unknown []organiser.AttendanceLine
}

func (s *site) attendancePage(w http.ResponseWriter, r *http.Request, p *page) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.renderUpload(w, http.StatusOK, e, "attendance", "")
}

// planAttendance shows who of a report is signed up. Nothing is noted before the form is sent, which holds no more than
// the ids of registrations.
func (s *site) planAttendance(w http.ResponseWriter, r *http.Request, p *page) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	table, err := readUploadedTable(w, r)
	if refused := (*spreadsheet.FileError)(nil); errors.As(err, &refused) && refused.Code == spreadsheet.CodeNoRows {
		err = &spreadsheet.FileError{Code: organiser.CodeNoParticipants}
	}
	if err != nil {
		return s.answerRefusedFile(w, r, p, e, "attendance", err)
	}
	e, lines, err := s.Organiser.PlanAttendance(r.Context(), p.caller(), e.ID, table)
	if err != nil {
		return s.answerRefusedFile(w, r, p, e, "attendance", err)
	}
	path := eventPath(e.ID) + "/attendance"
	v := attendanceView{Path: path + "/confirm", Back: path}
	for _, line := range lines {
		switch {
		case line.Attendee.ID != "" && line.Attendee.AttendedAt.IsZero():
			v.Matched = append(v.Matched, line)
		case line.Attendee.ID != "":
			v.Known = append(v.Known, line)
		case len(line.Proposals) == 1 && line.Proposals[0].AttendedAt.IsZero():
			v.Similar = append(v.Similar, line)
		default:
			v.Unknown = append(v.Unknown, line)
		}
	}
	var ids []string
	for _, line := range v.Matched {
		ids = append(ids, line.Attendee.ID)
	}
	v.IDs = strings.Join(ids, " ")
	p.Title, p.Event, p.Path = p.Text("console.attendance.plan.title"), &e, path
	return p.render(w, http.StatusOK, "attendance-plan", v)
}

// noteAttendance notes those who are ticked, for a while. It is safe to send the form again.
func (s *site) noteAttendance(w http.ResponseWriter, r *http.Request, p *page) error {
	ids := append(strings.Fields(r.PostForm.Get("ids")), r.PostForm["attended"]...)
	end := p.now.Add(importBudget)
	enough := func() bool { return s.Now().After(end) }
	e, rest, err := s.Organiser.NoteAttendance(r.Context(), p.caller(), r.PathValue("id"), ids, enough)
	status, fault := http.StatusOK, ""
	if err != nil {
		var ok bool
		if fault, status, ok = s.failure(w, r, p, err); !ok || e.ID == "" {
			return err
		}
	}
	before, _ := strconv.Atoi(r.PostForm.Get("done")) // for show alone
	done := max(0, before) + len(ids) - len(rest)
	path := eventPath(r.PathValue("id"))
	v := progressView{
		Path: path + "/attendance/confirm", Attendees: path + "/attendees?attended=yes", Fault: fault, Kind: "attendance",
		Done:   err == nil && len(rest) == 0,
		Counts: []importCount{{Label: p.Text("console.attendance.noted"), N: done}},
	}
	if !v.Done {
		v.Percent = done * 100 / max(1, done+len(rest))
		v.Fields = append(v.Fields, hiddenField{"done", strconv.Itoa(done)})
		v.Fields = append(v.Fields, hiddenField{"ids", strings.Join(rest, " ")})
	}
	return p.renderProgressView(w, status, e, v)
}
