package local

// Tidy compacts the journal at once instead of soon.
func (e *Engine) Tidy() { e.tidyNow() }
