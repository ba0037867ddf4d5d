package fetch

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// redirects are the statuses that say where else to ask with the same method.
var redirects = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
	http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

func isRedirect(status int) bool { return slices.Contains(redirects, status) }

// checkTarget makes sure that a URL may be asked, whoever gave it.
func checkTarget(text string) (*url.URL, error) {
	if err := settings.CheckURL(text); err != nil {
		return nil, refuse("%v", err)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, refuse("no URL")
	}
	return u, nil
}

// nextHop returns where a redirect leads.
func nextHop(from *url.URL, location string) (*url.URL, error) {
	if location == "" {
		return nil, fail("a redirect without a Location")
	}
	to, err := from.Parse(location)
	if err != nil {
		return nil, refuse("a redirect to what is no URL")
	}
	to.Fragment, to.RawFragment = "", "" // never sent
	next, err := checkTarget(to.String())
	if err != nil {
		return nil, refuse("a redirect to where no list may be fetched: %v", err)
	}
	return next, nil
}

// show returns what of a URL is told: its query is often a key, also where a server
// redirects to.
func show(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
