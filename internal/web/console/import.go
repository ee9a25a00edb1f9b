package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/spreadsheet"
	"deltag/internal/web"
)

// maxImportForm, in bytes, has room for the packed list, and for all else a form of an import holds.
const maxImportForm = maxPackedTable + 256<<10

// importBudget is how long one request goes on signing people up before it answers how far it is. API Gateway gives up
// after 30 seconds, and people like to see that something happens.
const importBudget = 8 * time.Second

// An uploadView is the page to upload a list, or the report of a meeting.
type uploadView struct {
	Path    string
	Kind    string // "import" or "attendance": its words are console.<kind>.lead and so on
	Fault   string // why the file was refused
	Hint    string
	TooMuch string // what the script says about a file above MaxFile
	MaxFile int    // bytes
}

func importPath(e deltag.Event) string { return eventPath(e.ID) + "/import" }

func (s *site) importPage(w http.ResponseWriter, r *http.Request, p *page) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.renderUpload(w, http.StatusOK, e, "import", "")
}

func (p *page) renderUpload(w http.ResponseWriter, status int, e deltag.Event, kind, fault string) error {
	p.Title, p.Event, p.Path = p.Text("console."+kind+".title"), &e, eventPath(e.ID)+"/"+kind
	p.Script, p.HasErrors = web.Asset(files, "import.js"), fault != ""
	limit := spreadsheet.MaxFile >> 20
	return p.render(w, status, "upload", uploadView{
		Path: p.Path, Kind: kind, Fault: fault, Hint: p.Text("console."+kind+".file.hint", "limit", limit),
		TooMuch: p.Text("error.file-too-large", "limit", limit), MaxFile: spreadsheet.MaxFile,
	})
}

// planImport shows what an import would do: of a file, or of the list of such a page again, with other columns.
func (s *site) planImport(w http.ResponseWriter, r *http.Request, p *page) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	in, err := readImport(w, r, e)
	if err == nil {
		err = s.renderPlan(w, r, p, http.StatusOK, in, nil)
	}
	return s.answerRefusedFile(w, r, p, e, "import", err)
}

// answerRefusedFile shows the page to upload a file again, with what is wrong with the file, if err says so.
func (s *site) answerRefusedFile(
	w http.ResponseWriter, r *http.Request, p *page, e deltag.Event, kind string, err error,
) error {
	var refused *spreadsheet.FileError
	switch {
	case errors.Is(err, web.ErrTooLarge):
		refused = &spreadsheet.FileError{Code: spreadsheet.CodeTooLarge, Limit: spreadsheet.MaxFile >> 20}
		return p.renderUpload(w, http.StatusRequestEntityTooLarge, e, kind, p.fileFault(refused))
	case errors.As(err, &refused):
		return p.renderUpload(w, http.StatusUnprocessableEntity, e, kind, p.fileFault(refused))
	case err != nil && p.attendeeFault(err) != "":
		answer := web.BeginError(w, r, s.Log, err)
		return p.renderUpload(w, answer.Status, e, kind, p.attendeeFault(err))
	}
	return err
}

// fileFault says what is wrong with a file, and where.
func (p *page) fileFault(refused *spreadsheet.FileError) string {
	text := p.Text("error.file-"+refused.Code, "limit", p.Number(refused.Limit))
	switch {
	case refused.Cell != "":
		return text + " " + p.Text("console.import.in-cell", "cell", refused.Cell)
	case refused.Line > 0:
		return text + " " + p.Text("console.import.in-line", "line", refused.Line)
	}
	return text
}

// readImport reads the list and the choices of a form. Errors: *spreadsheet.FileError; web.ErrMalformed.
func readImport(w http.ResponseWriter, r *http.Request, e deltag.Event) (in organiser.Import, err error) {
	if web.IsUpload(r) {
		in.Table, err = readUploadedTable(w, r)
		return in, err
	}
	form := r.PostForm
	if in.Table, err = unpackTable(form.Get("table")); err != nil {
		return in, err
	}
	in.Columns = make([]organiser.ImportField, len(in.Table.Header.Cells))
	for i := range in.Columns {
		in.Columns[i] = organiser.ImportField(form.Get(columnName(i)))
	}
	in.Source = form.Get("source")
	in.WithoutMail = form.Get("confirmations") != deltag.CheckedValue
	in.AddCancelled = form.Get("addCancelled") == deltag.CheckedValue
	in.AddErased = form.Get("addErased") == deltag.CheckedValue
	return in, nil
}

// readUploadedTable reads the file of a form. Errors: *spreadsheet.FileError; web.ErrTooLarge, web.ErrMalformed and
// web.ErrMediaType.
func readUploadedTable(w http.ResponseWriter, r *http.Request) (spreadsheet.Table, error) {
	file, err := web.ReadUpload(w, r, "file", spreadsheet.MaxFile)
	switch {
	case err != nil:
		return spreadsheet.Table{}, err
	case len(file) == 0:
		return spreadsheet.Table{}, &spreadsheet.FileError{Code: codeNoFile}
	}
	return spreadsheet.Read(file)
}

// codeNoFile is that of a FileError of ours: the form was sent without a file.
const codeNoFile = "missing"

func columnName(i int) string { return "column." + strconv.Itoa(i) }

// hiddenImport are the fields that carry a list and what its columns hold from page to page.
func hiddenImport(table string, columns []organiser.ImportField) []hiddenField {
	fields := []hiddenField{{"table", table}}
	for i, column := range columns {
		fields = append(fields, hiddenField{columnName(i), string(column)})
	}
	return fields
}

// An importCount is how many lines have a status, in words.
type importCount struct {
	Status organiser.ImportStatus
	Label  string
	N      int
}

// A progressView is the page after a part of an import, or of a report: how far it is, or what has come of it.
type progressView struct {
	Kind            string // as in uploadView
	Path, Attendees string
	Fault           string // why it stopped
	Fields          []hiddenField
	Done            bool
	Percent         int
	Counts          []importCount
	Mailed          bool // whether those who were added get a mail
}

// runImport signs people up for a while, and answers how far it is. It is safe to send the form again.
func (s *site) runImport(w http.ResponseWriter, r *http.Request, p *page) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	in, err := readImport(w, r, e)
	if err != nil {
		return s.answerRefusedFile(w, r, p, e, "import", err)
	}
	after, _ := strconv.Atoi(r.PostForm.Get("after")) // 0 from the dry run
	end := p.now.Add(importBudget)
	part, err := s.Organiser.Import(r.Context(), p.caller(), e.ID, in, after, func() bool { return s.Now().After(end) })
	if invalid, _ := fieldErrors(err); invalid != nil {
		return s.renderPlan(w, r, p, http.StatusUnprocessableEntity, in, invalid)
	}
	status, fault := http.StatusOK, ""
	if err != nil {
		var ok bool
		if fault, status, ok = s.failure(w, r, p, err); !ok {
			return s.answerRefusedFile(w, r, p, e, "import", err)
		}
		part.Event = e // it may not have been read
	}
	return p.renderProgress(w, status, r.PostForm, in, part, fault)
}

func (p *page) renderProgress(
	w http.ResponseWriter, status int, form url.Values, in organiser.Import, part organiser.ImportPart, fault string,
) error {
	e := part.Event
	v := progressView{
		Path: importPath(e) + "/confirm", Attendees: eventPath(e.ID) + "/attendees", Fault: fault, Done: part.Done,
		Kind: "import", Mailed: !in.WithoutMail,
	}
	done := 0
	counted := countStatuses(part.Lines)
	for _, status := range organiser.ImportStatuses {
		before, _ := strconv.Atoi(form.Get("count." + string(status))) // for show alone, so no matter who sent it
		n := max(0, before) + counted[status]
		done += n
		if n > 0 {
			v.Fields = append(v.Fields, hiddenField{"count." + string(status), strconv.Itoa(n)})
			v.Counts = append(v.Counts, importCount{status, p.Text("console.import.result." + string(status)), n})
		}
	}
	if !part.Done {
		v.Percent = min(99, done*100/len(in.Table.Rows))
		v.Fields = append(v.Fields, hiddenField{"after", strconv.Itoa(part.Last)})
		v.Fields = append(v.Fields, hiddenImport(form.Get("table"), in.Columns)...)
		for _, name := range []string{"source", "confirmations", "addCancelled", "addErased"} {
			v.Fields = append(v.Fields, hiddenField{name, form.Get(name)})
		}
	}
	return p.renderProgressView(w, status, e, v)
}

// renderProgressView shows how far something is. The script goes on by itself unless something went wrong.
func (p *page) renderProgressView(w http.ResponseWriter, status int, e deltag.Event, v progressView) error {
	key := "done"
	if !v.Done {
		key = "progress"
		if v.Fault == "" {
			p.Script = web.Asset(files, "import.js")
		}
	}
	p.Title, p.Event, p.HasErrors = p.Text("console."+v.Kind+"."+key+".title"), &e, v.Fault != ""
	p.Path = eventPath(e.ID) + "/" + v.Kind
	return p.render(w, status, "progress", v)
}

func countStatuses(lines []organiser.ImportLine) map[organiser.ImportStatus]int {
	n := map[organiser.ImportStatus]int{}
	for _, line := range lines {
		n[line.Status]++
	}
	return n
}

// lineFaults says what is wrong with a line of a list, in the words of one who has not typed it.
func (p *page) lineFaults(e deltag.Event, faults deltag.ValidationErrors) (texts []string) {
	for _, f := range faults {
		about, answer := f.Field, strings.HasPrefix(f.Field, "answers.")
		if answer {
			about = "answer"
		}
		text := web.FieldErrorText(p.Catalog, f, "")
		key := "console.import.fault." + about + "." + f.Code
		if p.Has(key) {
			text = p.Text(key)
		}
		if answer || f.Field != "email" && !p.Has(key) { // texts about an address say so
			text = p.importFieldName(e, organiser.ImportField(f.Field)) + ": " + text
		}
		texts = append(texts, text)
	}
	return slices.Compact(texts)
}
