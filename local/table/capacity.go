package table

// A capacity is what one request consumed of each table, for ReturnConsumedCapacity.
type capacity struct {
	detail string             // NONE, TOTAL, INDEXES or not given
	kind   string             // the name of the transactions' extra number; "" elsewhere
	units  map[string]float64 // by table
	order  []string
}

func newCapacity(detail, kind string) (*capacity, error) {
	return &capacity{detail: detail, kind: kind, units: map[string]float64{}}, oneOf("returnConsumedCapacity", detail, "INDEXES", "TOTAL", "NONE")
}

func (c *capacity) add(table string, units float64) {
	if _, ok := c.units[table]; !ok {
		c.order = append(c.order, table)
	}
	c.units[table] += units
}

// write adds the ConsumedCapacity of a request that concerns one table, if asked for.
func (c *capacity) write(o *object) {
	if c.detail == "TOTAL" || c.detail == "INDEXES" {
		o.raw("ConsumedCapacity", c.of(c.order[0]))
	}
}

// writeAll adds the ConsumedCapacity of a request that may concern several tables, if asked for.
func (c *capacity) writeAll(o *object) {
	if c.detail != "TOTAL" && c.detail != "INDEXES" {
		return
	}
	list := []byte{'['}
	for i, table := range c.order {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, c.of(table)...)
	}
	o.raw("ConsumedCapacity", append(list, ']'))
}

func (c *capacity) of(table string) []byte {
	units := func() *object {
		o := newObject()
		o.num("CapacityUnits", c.units[table])
		if c.kind != "" {
			o.num(c.kind, c.units[table])
		}
		return o
	}
	o := units()
	o.str("TableName", table)
	if c.detail == "INDEXES" {
		o.raw("Table", units().close())
	}
	return o.close()
}

// readUnits is the price of reading one item or, with many, a page of them.
func readUnits(size int, consistent bool) float64 {
	units := float64((size + 4<<10 - 1) / (4 << 10))
	if !consistent {
		units /= 2
	}
	return units
}

// writeUnits is the price of one write, by the larger of the items before and after it.
func writeUnits(before, after item) float64 {
	size := max(before.size(), after.size(), 1)
	return float64((size + 1<<10 - 1) / (1 << 10))
}
