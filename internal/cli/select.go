package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/selection"
)

// selectFlags are the flags that select records of logs.
type selectFlags struct {
	options selection.Options
	chosen  *selection.Selection // nil: all records
}

// register adds the flags. since is the name of the flag for the start of the period.
func (s *selectFlags) register(cmd *cobra.Command, since, where string) {
	s.options.SinceFlag = since
	flags := cmd.Flags()
	flags.StringVar(&s.options.Since, since, "",
		where+"only queries since `TIME`: such as 2026-11-01T08:00, a day, or an age such as 24h or 7d; UTC unless it has a zone")
	flags.StringVar(&s.options.Until, "until", "", where+"only queries before `TIME`, in the same forms")
	flags.StringArrayVar(&s.options.VPCs, "vpc", nil, where+"only queries in the VPC with this `ID`; repeatable")
	flags.StringArrayVar(&s.options.Hosts, "host", nil,
		where+"only queries of `HOST`: an address, a block such as 10.0.1.0/24, or the id of an instance; repeatable")
	flags.StringArrayVar(&s.options.Indicators, "indicator", nil,
		where+"only queries that matched `NAME`, a name below it, or an address; repeatable")
}

// parse parses the values.
func (s *selectFlags) parse(cmd *cobra.Command) (err error) {
	if s.chosen, err = selection.Parse(s.options, time.Now()); err != nil {
		return usage(cmd, err)
	}
	return nil
}

// describe returns a phrase for each flag that is set, for a report.
func (s *selectFlags) describe() []string {
	if s.chosen == nil {
		return nil
	}
	return s.chosen.Describe()
}
