package list

// The lists in this file protect what every deployment needs. They are short on purpose: top
// lists and the user's own zones are settings, not code.

// coreNames must not match, neither by an entry for the name nor by one above it. Names under
// them may be listed, because some of these belong to customers.
const coreNames = `
	amazonaws.com amazonaws.com.cn amazon.com aws.amazon.com awsstatic.com cloudfront.net
	google.com googleapis.com gstatic.com youtube.com gmail.com android.com
	microsoft.com windows.com windowsupdate.com windows.net office.com office365.com live.com
	outlook.com microsoftonline.com azure.com msftconnecttest.com msftncsi.com bing.com skype.com
	apple.com icloud.com mzstatic.com facebook.com instagram.com whatsapp.com whatsapp.net
	cloudflare.com akamai.net akamaiedge.net akamaized.net akadns.net edgekey.net edgesuite.net
	fastly.net wikipedia.org wikimedia.org mozilla.org mozilla.com firefox.com
	ubuntu.com debian.org fedoraproject.org redhat.com docker.com docker.io
	npmjs.org pypi.org pythonhosted.org golang.org maven.org rubygems.org
	digicert.com letsencrypt.org lencr.org globalsign.com sectigo.com verisign.com
	root-servers.net gtld-servers.net in-addr.arpa ip6.arpa ntp.org iana.org icann.org`

// coreZones contain no name that a list should contain: endpoints of AWS, names of a VPC, and
// zones that are served locally (RFC 6761, RFC 6762, RFC 8375).
const coreZones = `
	api.aws internal local localhost localdomain home.arpa`

// sharedApexes serve many unrelated users by path, and also give customers names of their own
// under the apex. Services that only give out names belong on the public suffix list instead.
// The list also has dynamic DNS zones that the public suffix list lacks and that real lists
// contain as a whole.
const sharedApexes = `
	sourceforge.net box.com slack.com medium.com notion.so notion.site goo.gl
	sharepoint.com wordpress.com tumblr.com zendesk.com live.net
	wix.com weebly.com webs.com webnode.com jimdo.com tripod.com angelfire.com freeservers.com
	000webhost.com 000webhostapp.com atspace.com freehostia.com ucoz.com page.tl xtgem.com hpage.com
	110mb.com 20m.com 6te.net ueuo.com doodlekit.com sitey.me oocities.org skyrock.com unblog.fr free.fr
	cjb.net xsph.ru linode.com linodeobjects.com cdn77.org gcdn.co
	anondns.net asuscomm.com changeip.com dns04.com dynamic-dns.net dnsexit.com fortiddns.com wikaba.com`

// sharedHosts, and the names under them, serve many unrelated users by path.
const sharedHosts = `
	github.com gist.github.com api.github.com codeload.github.com objects.githubusercontent.com
	raw.githubusercontent.com gitlab.com bitbucket.org codeberg.org
	downloads.sourceforge.net dl.sourceforge.net launchpad.net gitee.com
	drive.google.com docs.google.com sites.google.com storage.googleapis.com
	firebasestorage.googleapis.com script.google.com forms.gle
	dropbox.com dl.dropboxusercontent.com app.box.com onedrive.live.com 1drv.ms
	mediafire.com mega.nz mega.co.nz wetransfer.com we.tl sendspace.com transfer.sh
	gofile.io file.io anonfiles.com catbox.moe files.catbox.moe litterbox.catbox.moe
	pixeldrain.com uploadfiles.io ufile.io workupload.com
	pastebin.com paste.ee hastebin.com rentry.co ghostbin.com dpaste.org controlc.com
	pastebin.pl justpaste.it
	discord.com discordapp.com cdn.discordapp.com media.discordapp.net discordapp.net
	files.slack.com telegram.org api.telegram.org t.me telegra.ph
	archive.org web.archive.org reddit.com twitter.com x.com t.co linkedin.com
	trello.com imgur.com i.imgur.com
	bit.ly tinyurl.com is.gd cutt.ly rebrand.ly ow.ly lnkd.in clck.ru s.id cutt.us alturl.com
	cdn.jsdelivr.net anotepad.com allmylinks.com flavors.me mastodon.online anonym.to`

// customerWildcards are zones for which the public suffix list has "*.zone" although every
// name directly under the zone belongs to one customer, so these names may be listed. Other
// zones with such a wildcard, for example of object stores, have a name for each region, which
// many customers share.
const customerWildcards = `
	at.ply.gg localto.net beget.app code.run raw.icp0.io vps.myjino.ru hosting.myjino.ru`

// specialBlocks are the special-purpose address blocks of RFC 6890. An indicator in one of
// them would match private networks. The documentation blocks are left out, because answers do
// not contain them and every example does.
const specialBlocks = `
	0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
	192.0.0.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4
	::/127 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2002::/16
	5f00::/16 fc00::/7 fe80::/10 ff00::/8`
