package importer

import "strings"

// isAWSEndpoint reports whether name is AWS's own: a service that is global
// (sts.amazonaws.com) or regional (sqs.eu-west-1.amazonaws.com), or the Region of one
// (eu-west-1.elb.amazonaws.com). Names of customers lie deeper, or under a label that is
// no Region (bucket.s3-website-eu-west-1.amazonaws.com).
func isAWSEndpoint(name string) bool {
	service, found := strings.CutSuffix(strings.TrimSuffix(name, ".cn"), ".amazonaws.com")
	if !found {
		return false
	}
	first, rest, deeper := strings.Cut(service, ".")
	return !deeper || isRegion(rest) || isRegion(first)
}

// isEC2Host reports whether name is the public name of somebody's EC2 instance. The
// public suffix list has those of us-east-1 for suffixes.
func isEC2Host(name string) bool {
	return strings.HasPrefix(name, "ec2-") && strings.HasSuffix(name, ".compute-1.amazonaws.com")
}

// isRegion reports whether label reads like a Region: us-east-1, us-gov-west-1.
func isRegion(label string) bool {
	words := strings.Split(label, "-")
	last := words[len(words)-1]
	return len(words) >= 3 && len(words[0]) == 2 && isLetters(words[0]) &&
		len(last) == 1 && '0' <= last[0] && last[0] <= '9'
}

func isLetters(word string) bool {
	return !strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' })
}
