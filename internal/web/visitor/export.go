package visitor

import (
	"fmt"
	"net/http"

	"deltag/internal/deltag"
	"deltag/internal/personaldata"
)

func (s *site) exportData(w http.ResponseWriter, r *http.Request, p *page, reg deltag.Registration) error {
	e := *p.Event
	var deliveries []deltag.Delivery
	for _, id := range append([]string{reg.ID}, reg.PreviousIDs...) {
		some, err := s.Store.DeliveriesOf(r.Context(), e.ID, id)
		if err != nil {
			return fmt.Errorf("mails: %w", err)
		}
		deliveries = append(deliveries, some...)
	}
	file, err := personaldata.Encode(personaldata.New(e, &reg, deliveries))
	if err != nil {
		return err
	}
	return p.writeFile(w, "application/json; charset=utf-8", "deltag-"+e.Slug+".json", file)
}
