package registry

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// The wire forms: a magic byte and the schema's number before the value, or another magic byte and its GUID in a header.
const (
	magicID   = 0
	magicGUID = 1
	idFrame   = 5
	guidFrame = 17
)

// schemaRef is how a record names its schema.
type schemaRef struct {
	id   int
	guid [16]byte // zero if it is named by its number
}

// byGUID tells whether it is named by its GUID.
func (r schemaRef) byGUID() bool { return r.guid != [16]byte{} }

// String is the GUID, or the number.
func (r schemaRef) String() string {
	if r.byGUID() {
		return uuid(r.guid[:])
	}
	return strconv.Itoa(r.id)
}

// prefix is the frame of a number.
func prefix(id int) []byte { return binary.BigEndian.AppendUint32([]byte{magicID}, uint32(id)) }

// guidHeader is the frame of a GUID.
func guidHeader(guid string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
	if err != nil || len(b) != guidFrame-1 {
		return nil, schema.NewError(serializationException, "the schema registry gave the schema no GUID, which HeaderSchemaIdSerializer needs: "+
			"use PrefixSchemaIdSerializer, or a newer registry", nil)
	}
	return append([]byte{magicGUID}, b...), nil
}

// unframe finds out which schema a record has, and what is left to read. header is nil if there is none.
func unframe(b, header []byte) (schemaRef, []byte, error) {
	if len(header) >= guidFrame && header[0] == magicGUID {
		ref := schemaRef{guid: [16]byte(header[1:guidFrame])}
		return ref, behind(header[guidFrame:], b), nil
	}
	if len(header) >= idFrame && header[0] == magicID {
		return schemaRef{id: int(int32(binary.BigEndian.Uint32(header[1:])))}, behind(header[idFrame:], b), nil
	}
	switch {
	case len(b) == 0:
		return schemaRef{}, nil, frameError("java.nio.BufferUnderflowException", "there are no bytes")
	case b[0] != magicID:
		return schemaRef{}, nil, frameError("java.lang.IllegalArgumentException", "Unknown magic byte!")
	case len(b) < idFrame:
		return schemaRef{}, nil, frameError("java.nio.BufferUnderflowException", "the number of the schema is cut off")
	}
	return schemaRef{id: int(int32(binary.BigEndian.Uint32(b[1:])))}, b[idFrame:], nil
}

// behind puts back in front what of a value stands in the header.
func behind(front, b []byte) []byte {
	if len(front) == 0 {
		return b
	}
	return slices.Concat(front, b)
}

func frameError(class, message string) error {
	return schema.NewError(serializationException, "Error deserializing schema ID", schema.NewError(class, message, nil))
}
