package stack

import "runtime"

// Refusal returns the error with which a construct refused its props: it takes the value
// that recover returned. Any other panic is a mistake of ours. Refusal panics with it
// again, because it must not look like a synthesis that succeeded.
func Refusal(recovered any) error {
	switch refused := recovered.(type) {
	case nil:
		return nil
	case runtime.Error:
		panic(refused)
	case error:
		return refused
	default:
		panic(refused)
	}
}
