package config

import "slices"

// KeyInfo describes a setting, as Connect's REST API does.
type KeyInfo struct {
	Name         string   `json:"name"`
	Type         Type     `json:"type"`
	Required     bool     `json:"required"`
	Default      *string  `json:"default_value"`
	Importance   string   `json:"importance"`
	Doc          string   `json:"documentation"`
	Group        *string  `json:"group"`
	OrderInGroup int      `json:"order_in_group"`
	Width        string   `json:"width"`
	Display      string   `json:"display_name"`
	Dependents   []string `json:"dependents"`
}

// ValueInfo is a setting's value and what is wrong with it, as Connect's REST API has it.
type ValueInfo struct {
	Name        string   `json:"name"`
	Value       *string  `json:"value"`
	Recommended []string `json:"recommended_values"`
	Errors      []string `json:"errors"`
	Visible     bool     `json:"visible"`
}

// Info is a setting with its value. Either may be missing.
type Info struct {
	Definition *KeyInfo   `json:"definition"`
	Value      *ValueInfo `json:"value"`
}

// Infos is the answer of Connect's validation.
type Infos struct {
	Name       string   `json:"name"`
	ErrorCount int      `json:"error_count"`
	Groups     []string `json:"groups"`
	Configs    []Info   `json:"configs"`
}

// Keys describes the settings that targets declare, in order of declaration.
func Keys(targets ...Definer) []KeyInfo {
	infos := []KeyInfo{}
	for _, t := range targets {
		for _, k := range Definitions(t).keys {
			if !k.borrowed {
				infos = append(infos, k.info())
			}
		}
	}
	return infos
}

// Groups returns the groups that targets declare, in order of appearance.
func Groups(targets ...Definer) []string {
	groups := []string{}
	for _, t := range targets {
		for _, g := range Definitions(t).groups {
			if !slices.Contains(groups, g) {
				groups = append(groups, g)
			}
		}
	}
	return groups
}

func (k *key) info() KeyInfo {
	info := KeyInfo{
		Name:         k.name,
		Type:         k.typ,
		Required:     k.required(),
		Default:      text(k.def),
		Importance:   k.importance.String(),
		Doc:          k.documentation(),
		OrderInGroup: k.order,
		Width:        k.width.String(),
		Display:      k.display,
		Dependents:   append([]string{}, k.dependents...),
	}
	if k.group != "" {
		group := k.group
		info.Group = &group
	}
	return info
}

func (k *key) documentation() string {
	if k.deprecated == "" {
		return k.doc
	}
	return k.doc + " Deprecated: use " + k.deprecated + " instead."
}

// Describe validates values and describes the result, as PUT …/config/validate answers. name is what the answer is to be
// called. Settings declared by no target are listed when they have errors, without a definition and first, as Connect
// does.
func Describe[V Text](name string, values map[string]V, targets ...Definer) Infos {
	return Collect(name, Validate(values, targets...), targets...)
}

// Collect puts values that were judged, and perhaps judged further, together with the declarations of targets. A name
// that is declared or judged more than once counts as the last one says.
func Collect(name string, values []Value, targets ...Definer) Infos {
	infos := Infos{Name: name, Groups: Groups(targets...), Configs: []Info{}}
	var keys []KeyInfo
	for _, k := range Keys(targets...) {
		if i := slices.IndexFunc(keys, func(have KeyInfo) bool { return have.Name == k.Name }); i >= 0 {
			keys[i] = k
			continue
		}
		keys = append(keys, k)
	}
	byName := make(map[string]*ValueInfo, len(values))
	for _, v := range values {
		byName[v.Name] = v.info()
	}
	declared := make(map[string]bool, len(keys))
	for _, k := range keys {
		declared[k.Name] = true
	}
	for _, v := range values {
		if info := byName[v.Name]; !declared[v.Name] && info != nil {
			byName[v.Name] = nil
			infos.add(Info{Value: info})
		}
	}
	for _, k := range keys {
		infos.add(Info{Definition: &k, Value: byName[k.Name]})
	}
	return infos
}

func (i *Infos) add(info Info) {
	if info.Value != nil {
		i.ErrorCount += len(info.Value.Errors)
	}
	i.Configs = append(i.Configs, info)
}

func (v Value) info() *ValueInfo {
	return &ValueInfo{
		Name:        v.Name,
		Value:       v.Value,
		Recommended: append([]string{}, v.Recommended...),
		Errors:      append([]string{}, v.Errors...),
		Visible:     v.Visible,
	}
}
