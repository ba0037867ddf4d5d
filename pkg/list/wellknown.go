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
// The list also has hosting, storage, tunnel and dynamic DNS zones that the public suffix list
// lacks and that real lists contain as a whole. At the end are URL shorteners, gateways to IPFS,
// and bins for requests.
//
// Sources: the MISP warninglists lots-project (version 20241104), url-shortener (version 27) and
// dynamic-dns, https://github.com/MISP/misp-warninglists (CC0), read in 2026-08, without what the
// public suffix list of 2026-02-06 has; the documentation of the services, 2026-11. Shorteners
// that exist to show advertisements or to log addresses are left out.
const sharedApexes = `
	sourceforge.net box.com slack.com medium.com substack.com notion.so notion.site goo.gl wetransfer.com
	sharepoint.com wordpress.com tumblr.com zendesk.com live.net t.me s.id
	storage.googleapis.com commondatastorage.googleapis.com
	wix.com weebly.com webs.com webnode.com jimdo.com tripod.com angelfire.com freeservers.com
	000webhost.com 000webhostapp.com atspace.com freehostia.com ucoz.com page.tl xtgem.com hpage.com
	110mb.com 20m.com 6te.net ueuo.com doodlekit.com sitey.me oocities.org skyrock.com unblog.fr free.fr
	cjb.net xsph.ru linode.com linodeobjects.com cdn77.org gcdn.co
	anondns.net asuscomm.com changeip.com dns04.com dynamic-dns.net dnsexit.com fortiddns.com wikaba.com

	godaddysites.com weeblysite.com strikingly.com mystrikingly.com jimdosite.com jimdofree.com tilda.ws
	webador.com surge.sh glitch.me koyeb.app tiiny.site softr.app hs-sites.com hubspotpagebuilder.com
	site123.me simdif.com mailchimpsites.com hostingerapp.com hostingersite.com mybluehost.me
	cloudwaysapps.com easywp.com myportfolio.com clickfunnels.com teachable.com zapier.app edgeone.app
	wpengine.com wpcomstaging.com kinsta.cloud flywheelsites.com infinityfreeapp.com rf.gd epizy.com
	livejournal.com over-blog.com axshare.com atlassian.net codesandbox.io webcontainer.io gradio.live
	cloudapp.azure.com cloudapp.net azurefd.net core.windows.net my.salesforce.com powerappsportals.com
	backblazeb2.com b-cdn.net wasabisys.com myqcloud.com aliyuncs.com cloudflarestorage.com
	oraclecloud.com appdomain.cloud mybluemix.net
	loca.lt lhr.life localhost.run serveo.net

	w3s.link nftstorage.link 4everland.io infura-ipfs.io mypinata.cloud fleek.co
	webhook.site pipedream.net m.pipedream.net beeceptor.com free.beeceptor.com requestcatcher.com

	page.link app.link onelink.me sendgrid.net ct.sendgrid.net list-manage.com typeform.com jotform.com
	safelinks.protection.outlook.com 1drv.com dl.dropboxusercontent.com docsend.com figma.site
	arweave.net eth.limo eth.link

	bit.ly bitly.com bitly.ws j.mp tinyurl.com tiny.cc is.gd v.gd cutt.ly cutt.us rebrand.ly ow.ly buff.ly
	lnkd.in clck.ru alturl.com t.co t.ly rb.gy tr.ee tr.im u.to n9.cl snip.ly surl.li dub.sh dub.co
	short.io shorturl.at shorturl.asia shorten.ee shorter.me tny.im urlz.fr url.sg urlr.me goo.su goo.by
	goo.gd soo.gd kutt.it kutt.to lc.cx link.ly lnk.to lnk.co mcaf.ee me2.do reurl.cc ppt.cc han.gl
	dwz.mk encr.pw encurtador.dev qr.ae qr.net qrco.de qrcodes.pro qr-codes.io q-r.to me-qr.com
	qrs.ly scan.page smarturl.it sn.rs spoo.me su.pr to.ly vt.tiktok.com vm.tiktok.com wp.me youtu.be
	x.co x.gd xy2.eu zpr.io zurl.to zws.im amzn.to a.co db.tt dft.ba fb.me git.new go.ly hyperurl.co
	ity.im linkin.bio lstu.fr mjt.lu odesli.co po.st prf.hn s.ee s.gy shly.link spti.fi t.cn urlday.cc
	yourls.org yun.ir zpag.es bit.do tiny.one v.ht short.gy g.co maps.app.goo.gl wa.link rebrandly.com
	urls.fr cli.re chilp.it

	ipfs.io gateway.ipfs.io dweb.link gateway.pinata.cloud
	ipfs.filebase.io ipfs.fleek.co ipfs.infura.io trustless-gateway.link siasky.net
	gateway.lighthouse.storage hardbin.com
	requestbin.net requestbin.com hookbin.com webhook.cool httpbin.org postb.in ptsv3.com mockbin.org
	mockbin.io putsreq.com smee.io webhook-test.com typedwebhook.tools`

// sharedHosts, and the names under them, serve many unrelated users by path: file sharing, code,
// pastes, chats, images, documents, forms and redirectors.
//
// Sources: the MISP warninglist lots-project (version 20241104),
// https://github.com/MISP/misp-warninglists (CC0), read in 2026-08, and real lists of URLs.
const sharedHosts = `
	github.com gist.github.com api.github.com codeload.github.com objects.githubusercontent.com
	raw.githubusercontent.com gist.githubusercontent.com media.githubusercontent.com
	user-images.githubusercontent.com camo.githubusercontent.com avatars.githubusercontent.com
	release-assets.githubusercontent.com gitlab.com bitbucket.org codeberg.org
	downloads.sourceforge.net dl.sourceforge.net launchpad.net gitee.com
	codepen.io jsfiddle.net ideone.com huggingface.co cdn.jsdelivr.net unpkg.com cdnjs.cloudflare.com
	raw.githack.com rawcdn.githack.com cdn.statically.io

	drive.google.com docs.google.com sites.google.com storage.cloud.google.com
	firebasestorage.googleapis.com script.google.com forms.gle feedproxy.google.com translate.google.com
	dropbox.com dl.dropbox.com app.box.com onedrive.live.com 1drv.ms
	storage.live.com forms.office.com sway.office.com attachments.office.net
	mediafire.com mega.nz mega.co.nz we.tl sendspace.com transfer.sh pcloud.com u.pcloud.link
	gofile.io file.io anonfiles.com catbox.moe files.catbox.moe litterbox.catbox.moe
	pixeldrain.com uploadfiles.io ufile.io workupload.com filebin.net tmpfiles.org temp.sh 0x0.st
	bashupload.com oshi.at krakenfiles.com 1fichier.com easyupload.io filetransfer.io swisstransfer.com
	files.fm dropmefiles.com 4sync.com dropmark.com uplooder.net disk.yandex.ru disk.yandex.com
	cloud.mail.ru drive.proton.me slack-files.com drive.usercontent.google.com
	4shared.com zippyshare.com uptobox.com turbobit.net rapidgator.net nitroflare.com upload.ee send.cm
	filemail.com fromsmash.com transfernow.net sendgb.com wormhole.app icedrive.net terabox.com
	1024terabox.com yadi.sk limewire.com buzzheavier.com jumpshare.com
	f000.backblazeb2.com f001.backblazeb2.com f002.backblazeb2.com f003.backblazeb2.com
	f004.backblazeb2.com f005.backblazeb2.com s3.wasabisys.com
	objectstorage.us-ashburn-1.oraclecloud.com objectstorage.us-phoenix-1.oraclecloud.com
	objectstorage.eu-frankfurt-1.oraclecloud.com objectstorage.uk-london-1.oraclecloud.com
	hooks.zapier.com hooks.slack.com maker.ifttt.com hook.us1.make.com hook.eu1.make.com

	pastebin.com paste.ee hastebin.com rentry.co rentry.org ghostbin.com dpaste.org controlc.com
	dpaste.com pastes.io paste.rs privatebin.net snippet.host rentry.cc pastebin.ai
	pastebin.pl justpaste.it pastie.org ix.io sprunge.us termbin.com clbin.com textbin.net zerobin.net
	discord.com discordapp.com cdn.discordapp.com media.discordapp.net discordapp.net discord.gg
	files.slack.com telegram.org api.telegram.org telegra.ph teletype.in wa.me chat.whatsapp.com
	archive.org web.archive.org archive.ph reddit.com twitter.com x.com linkedin.com vk.com pinterest.com
	trello.com imgur.com i.imgur.com i.ibb.co ibb.co postimg.cc i.postimg.cc res.cloudinary.com
	ik.imagekit.io ucarecdn.com images.unsplash.com i.pinimg.com static.wixstatic.com gyazo.com
	i.gyazo.com prnt.sc cdn.prod.website-files.com assets.website-files.com uploads-ssl.webflow.com
	cdn.shopify.com cdn.fbsbx.com pbs.twimg.com media.tenor.com
	canva.com figma.com evernote.com express.adobe.com spark.adobe.com acrobat.adobe.com
	documentcloud.adobe.com indd.adobe.com docusign.com doc.clickup.com form.jotform.com padlet.com
	issuu.com scribd.com slideshare.net my.visme.co beautiful.ai gamma.app linktr.ee beacons.ai bio.link
	taplink.cc about.me mylinks.ai lnk.bio heylink.me
	anotepad.com allmylinks.com flavors.me mastodon.online anonym.to 12ft.io
	urldefense.com urldefense.proofpoint.com linkprotect.cudasvc.com secure-web.cisco.com`

// neededNames are names that nearly every network asks for: sign-in, consoles and APIs of clouds,
// registries of packages, certificate status, updates, connectivity checks and time. If the user
// has no top list, no feed may list them, so that a wrong entry does not mark every host. Names
// under them may be listed. Many of them are above names of [coreNames], which may have customers.
//
// Source: the public documentation of the vendors on names that a firewall has to let through,
// 2026-11.
const neededNames = `
	login.microsoftonline.com login.microsoft.com login.windows.net login.live.com sts.windows.net
	login.microsoftonline.us device.login.microsoftonline.com autologon.microsoftazuread-sso.com
	secure.aadcdn.microsoftonline-p.com aadcdn.msauth.net aadcdn.msftauth.net logincdn.msftauth.net
	entra.microsoft.com dev.azure.com account.microsoft.com account.live.com graph.microsoft.com
	graph.windows.net management.azure.com
	portal.azure.com portal.office.com outlook.office.com outlook.office365.com autodiscover-s.outlook.com
	accounts.google.com accounts.youtube.com oauth2.googleapis.com sts.googleapis.com iam.googleapis.com
	cloudresourcemanager.googleapis.com compute.googleapis.com logging.googleapis.com
	console.cloud.google.com console.developers.google.com mail.google.com apis.google.com
	fonts.googleapis.com fonts.gstatic.com ajax.googleapis.com maps.googleapis.com
	appleid.apple.com idmsa.apple.com gsa.apple.com setup.icloud.com gateway.icloud.com
	us-east-1.console.aws.amazon.com us-west-2.console.aws.amazon.com eu-west-1.console.aws.amazon.com
	eu-central-1.console.aws.amazon.com us-east-1.signin.aws.amazon.com us-west-2.signin.aws.amazon.com
	eu-west-1.signin.aws.amazon.com eu-central-1.signin.aws.amazon.com
	console.aws.amazon.com signin.aws.amazon.com docs.aws.amazon.com awscli.amazonaws.com
	cloud.google.com console.firebase.google.com login.yahoo.com id.atlassian.com auth0.com
	login.okta.com login.salesforce.com dash.cloudflare.com api.cloudflare.com

	registry.npmjs.org npmjs.com registry.yarnpkg.com nodejs.org deb.nodesource.com rpm.nodesource.com
	npm.pkg.github.com pypi.python.org files.pythonhosted.org bootstrap.pypa.io python.org
	conda.anaconda.org repo.anaconda.com
	proxy.golang.org sum.golang.org go.dev pkg.go.dev dl.google.com
	crates.io index.crates.io static.crates.io static.rust-lang.org sh.rustup.rs
	index.rubygems.org repo.maven.apache.org repo1.maven.org central.sonatype.com plugins.gradle.org
	services.gradle.org downloads.gradle.org api.nuget.org nuget.org dotnetcli.azureedge.net
	packagist.org repo.packagist.org getcomposer.org cran.r-project.org hackage.haskell.org cpan.org
	registry-1.docker.io auth.docker.io index.docker.io hub.docker.com download.docker.com
	production.cloudflare.docker.com quay.io cdn.quay.io ghcr.io gcr.io k8s.gcr.io registry.k8s.io
	pkgs.k8s.io dl.k8s.io mcr.microsoft.com public.ecr.aws get.helm.sh
	gallery.ecr.aws pkg-containers.githubusercontent.com maven.google.com repo.spring.io jitpack.io
	plugins-artifacts.gradle.org cdn.cocoapods.org pub.dev repo.hex.pm hex.pm formulae.brew.sh
	artifacts.elastic.co packages.grafana.com packages.gitlab.com apt.postgresql.org repo.mysql.com
	rpm.releases.hashicorp.com registry.terraform.io releases.hashicorp.com apt.releases.hashicorp.com
	checkpoint-api.hashicorp.com

	archive.ubuntu.com security.ubuntu.com ports.ubuntu.com changelogs.ubuntu.com motd.ubuntu.com
	esm.ubuntu.com ppa.launchpad.net ppa.launchpadcontent.net keyserver.ubuntu.com api.snapcraft.io
	deb.debian.org security.debian.org ftp.debian.org cdn-fastly.deb.debian.org
	mirrors.fedoraproject.org dl.fedoraproject.org cdn.redhat.com subscription.rhsm.redhat.com
	mirrorlist.centos.org mirror.centos.org mirrors.centos.org mirrors.almalinux.org mirrors.rockylinux.org
	dl-cdn.alpinelinux.org cdn.amazonlinux.com packages.microsoft.com packages.cloud.google.com
	download.opensuse.org database.clamav.net

	ocsp.digicert.com crl3.digicert.com crl4.digicert.com cacerts.digicert.com status.geotrust.com
	status.rapidssl.com ocsp.sectigo.com crl.sectigo.com crt.sectigo.com ocsp.usertrust.com
	crl.usertrust.com crt.usertrust.com ocsp.comodoca.com crl.comodoca.com ocsp.globalsign.com
	ocsp2.globalsign.com crl.globalsign.com secure.globalsign.com ocsp.entrust.net crl.entrust.net
	ocsp.godaddy.com crl.godaddy.com certificates.godaddy.com ocsp.starfieldtech.com
	ocsp.pki.goog crl.pki.goog o.pki.goog c.pki.goog i.pki.goog
	ocsp.rootca1.amazontrust.com crl.rootca1.amazontrust.com ocsp.rootg2.amazontrust.com
	crl.rootg2.amazontrust.com o.ss2.us s.ss2.us x.ss2.us
	x1.c.lencr.org x1.i.lencr.org r10.o.lencr.org r11.o.lencr.org e5.o.lencr.org e6.o.lencr.org
	acme-v02.api.letsencrypt.org ocsp.apple.com ocsp2.apple.com crl.apple.com valid.apple.com
	oneocsp.microsoft.com crl.microsoft.com mscrl.microsoft.com ocsp.verisign.com crl.verisign.com
	ocsp.thawte.com crl.thawte.com ocsp.identrust.com crl.identrust.com apps.identrust.com
	isrg.trustid.ocsp.identrust.com ocsp.quovadisglobal.com ocsp.trustwave.com crl.trustwave.com
	subca.ocsp-certum.com ocsp.certum.pl ocsp.buypass.com ocsp.msocsp.com

	update.microsoft.com windowsupdate.microsoft.com download.windowsupdate.com ctldl.windowsupdate.com
	fe2.update.microsoft.com fe3.delivery.mp.microsoft.com sls.update.microsoft.com
	dl.delivery.mp.microsoft.com tlu.dl.delivery.mp.microsoft.com download.microsoft.com
	go.microsoft.com aka.ms definitionupdates.microsoft.com settings-win.data.microsoft.com
	v10.events.data.microsoft.com edge.microsoft.com msedge.api.cdp.microsoft.com
	mesu.apple.com gdmf.apple.com swscan.apple.com swcdn.apple.com swdist.apple.com updates.cdn-apple.com
	update.googleapis.com clients2.google.com clients4.google.com safebrowsing.googleapis.com
	edgedl.me.gvt1.com redirector.gvt1.com aus5.mozilla.org download.mozilla.org
	firefox.settings.services.mozilla.com content-signature-2.cdn.mozilla.net addons.mozilla.org

	clients3.google.com connectivitycheck.gstatic.com connectivitycheck.android.com
	detectportal.firefox.com captive.apple.com connectivity-check.ubuntu.com dns.msftncsi.com
	ipv6.msftconnecttest.com time.windows.com time.google.com time.apple.com time.aws.com
	time.cloudflare.com ntp.ubuntu.com pool.ntp.org 0.pool.ntp.org 1.pool.ntp.org 2.pool.ntp.org
	3.pool.ntp.org 0.amazon.pool.ntp.org`

// customerWildcards are zones for which the public suffix list has "*.zone" although every
// name directly under the zone belongs to one customer, so these names may be listed. Other
// zones with such a wildcard, for example of object stores, have a name for each region, which
// many customers share.
const customerWildcards = `
	at.ply.gg localto.net beget.app code.run raw.icp0.io vps.myjino.ru hosting.myjino.ru`
