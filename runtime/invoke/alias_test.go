package invoke_test

import (
	"testing"

	"github.com/sluice-connect/sluice/runtime/invoke"
)

func TestAlias_GoesThereAndBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"orders", "a_b.c-D9", "123", "_", ".", "a__b..c", "_5f"} {
		alias, err := invoke.Alias(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		back, err := invoke.OfAlias("arn:aws:lambda:eu-west-1:111122223333:function:shared:" + alias)
		if err != nil || back != name {
			t.Errorf("%s comes back from %s as %q, %v", name, alias, back, err)
		}
	}
	for _, arn := range []string{"arn:aws:lambda:eu-west-1:111122223333:function:shared", "arn:…:shared:live", ""} {
		if name, err := invoke.OfAlias(arn); name != "" || err != nil {
			t.Errorf("%s is %q, %v", arn, name, err)
		}
	}
	for _, broken := range []string{"connector-a_", "connector-a_5", "connector-a_zz"} {
		if _, err := invoke.OfAlias(broken); err == nil {
			t.Errorf("%s is read", broken)
		}
	}
}
