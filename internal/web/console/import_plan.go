package console

import (
	"net/http"
	"slices"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// A planView is the page that says what an import would do.
type planView struct {
	Path         string
	Hidden       []hiddenField // of the form that imports
	Table        hiddenField   // of the form that chooses the columns
	Columns      []importColumn
	ColumnsOpen  bool // something that each line needs has no column
	Groups       []importGroup
	Form         *web.Form // nil: there is nobody to add
	MissingSeats bool
}

// An importColumn is a column of the list, with what it may hold.
type importColumn struct {
	Name, Label, Example string
	Options              []web.Option
}

// An importGroup is those of the lines with the same status.
type importGroup struct {
	Status organiser.ImportStatus
	Title  string
	Hint   string
	IsOpen bool
	Lines  []importLine // the first maxGroupLines
	More   int          // lines after those
}

type importLine struct {
	Line        int
	Name, Email string
	Faults      []string
}

// maxGroupLines is how many lines of a group are listed. The page has to fit into what Lambda answers, beside the list.
const maxGroupLines = 200

// groupOrder begins with what the organiser may want to do something about.
var groupOrder = []organiser.ImportStatus{
	organiser.ImportFaulty, organiser.ImportFull, organiser.ImportConfirmed, organiser.ImportWaitlisted,
	organiser.ImportKnown, organiser.ImportRepeated, organiser.ImportCancelled, organiser.ImportErased,
	organiser.ImportSuppressed,
}

// renderPlan shows what an import would do, with what is wrong with the form that asks for it.
func (s *site) renderPlan(
	w http.ResponseWriter, r *http.Request, p *page, status int, in organiser.Import, invalid deltag.ValidationErrors,
) error {
	table, err := packTable(in.Table)
	if err != nil {
		return err
	}
	typed := in
	in.AddCancelled, in.AddErased = false, false // they are shown as what they are, with a box to tick
	plan, err := s.Organiser.PlanImport(r.Context(), p.caller(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	e := plan.Event
	v := planView{
		Path: importPath(e), Hidden: hiddenImport(table, plan.Columns), Table: hiddenField{"table", table},
		Columns: p.importColumns(plan, in), Groups: p.importGroups(plan),
	}
	v.ColumnsOpen = !slices.Contains(plan.Columns, organiser.ImportEmail) ||
		!slices.Contains(plan.Columns, organiser.ImportName) && !slices.Contains(plan.Columns, organiser.ImportFirstName)
	n := countStatuses(plan.Lines)
	v.MissingSeats = n[organiser.ImportFull] > 0
	adds := n[organiser.ImportConfirmed] + n[organiser.ImportWaitlisted]
	if adds+n[organiser.ImportCancelled]+n[organiser.ImportErased] > 0 {
		isNew := web.IsUpload(r) || !r.PostForm.Has("source")
		v.Form = p.importForm(typed, n, isNew, invalid)
		v.Form.Action, v.Form.Submit = v.Path+"/confirm", p.Count("console.import.submit", adds)
	}
	p.Title, p.Event, p.Path = p.Text("console.import.plan.title"), &e, v.Path
	return p.render(w, status, "import-plan", v)
}

// importForm asks what no list says. isNew: nothing of it was typed yet.
func (p *page) importForm(
	in organiser.Import, n map[organiser.ImportStatus]int, isNew bool, invalid deltag.ValidationErrors,
) *web.Form {
	box := func(name string, selected bool, label, hint string) web.Field {
		return web.Field{Name: name, Label: label, Hint: hint, Kind: "checkbox", Options: []web.Option{
			{ID: name, Value: deltag.CheckedValue, Selected: selected},
		}}
	}
	fields := []web.Field{
		{
			Name: "source", Label: p.Text("console.import.source"), Hint: p.Text("console.import.source.hint"), Kind: "text",
			Required: true, Value: in.Source, Autocomplete: "off",
		},
		box("confirmations", isNew || !in.WithoutMail, p.Text("console.import.confirmations"),
			p.Text("console.import.confirmations.hint")),
	}
	if n := n[organiser.ImportCancelled]; n > 0 {
		fields = append(fields, box("addCancelled", in.AddCancelled, p.Text("console.import.add-cancelled", "n", n),
			p.Text("console.import.add-cancelled.hint")))
	}
	if n := n[organiser.ImportErased]; n > 0 {
		fields = append(fields, box("addErased", in.AddErased, p.Text("console.import.add-erased", "n", n),
			p.Text("console.import.add-erased.hint")))
	}
	return p.NewForm(fields, invalid)
}

// importColumns are the columns with something in them, each with what it may hold.
func (p *page) importColumns(plan organiser.ImportPlan, in organiser.Import) (columns []importColumn) {
	for i, head := range in.Table.Header.Cells {
		example := ""
		for _, row := range in.Table.Rows {
			if example = strings.TrimSpace(row.Cell(i)); example != "" {
				break
			}
		}
		if head == "" && example == "" {
			continue
		}
		c := importColumn{Name: columnName(i), Label: head, Example: shorten(example)}
		if head == "" {
			c.Label = p.Text("console.import.column", "n", i+1)
		}
		c.Options = append(c.Options, web.Option{Label: p.Text("console.import.field.none")})
		for _, field := range organiser.ImportFields(plan.Event) {
			c.Options = append(c.Options, web.Option{
				Value: string(field), Label: p.importFieldName(plan.Event, field), Selected: plan.Columns[i] == field,
			})
		}
		columns = append(columns, c)
	}
	return columns
}

// shorten is the beginning of a text.
func shorten(s string) string {
	const most = 40
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// importFieldName is what a column holds, in words.
func (p *page) importFieldName(e deltag.Event, field organiser.ImportField) string {
	if id, ok := strings.CutPrefix(string(field), "answers."); ok {
		q, _ := e.Question(id)
		return q.Label
	}
	return p.Text("console.import.field." + string(field))
}

func (p *page) importGroups(plan organiser.ImportPlan) (groups []importGroup) {
	n := countStatuses(plan.Lines)
	for _, status := range groupOrder {
		if n[status] == 0 {
			continue
		}
		key := "console.import.plan." + string(status)
		g := importGroup{
			Status: status, Title: p.Text(key, "n", p.Number(n[status])), IsOpen: status == organiser.ImportFaulty,
			More: max(0, n[status]-maxGroupLines),
		}
		if p.Has(key + ".hint") {
			g.Hint = p.Text(key + ".hint")
		}
		for _, line := range plan.Lines {
			if line.Status == status && len(g.Lines) < maxGroupLines {
				g.Lines = append(g.Lines, importLine{
					line.Line, shorten(line.Name), shorten(line.Email), p.lineFaults(plan.Event, line.Faults),
				})
			}
		}
		groups = append(groups, g)
	}
	return groups
}
