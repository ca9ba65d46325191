<?php
// Settings of the demo wiki. Everything that differs between installations comes from the environment.
if ( !defined( 'MEDIAWIKI' ) ) {
	exit;
}

$wgSitename = 'Handover Demo Wiki';
$wgMetaNamespace = 'Project';
$wgLanguageCode = 'en';
$wgLocaltimezone = 'UTC';

// Reached through a Service, a port-forward or the API server's proxy: links follow the host that was asked for.
$wgServer = PHP_SAPI === 'cli' ? 'http://wiki' : WebRequest::detectServer();
$wgScriptPath = '';
$wgResourceBasePath = '';

$wgDBtype = 'postgres';
$wgDBserver = getenv( 'DB_HOST' ) ?: 'wiki-db';
$wgDBport = getenv( 'DB_PORT' ) ?: '5432';
$wgDBname = getenv( 'DB_NAME' ) ?: 'wiki';
$wgDBuser = getenv( 'DB_USERNAME' ) ?: 'wiki';
$wgDBpassword = getenv( 'DB_PASSWORD' ) ?: '';
$wgDBmwschema = 'mediawiki';

$wgEnableUploads = true;
$wgUploadDirectory = '/uploads';
$wgUploadPath = '/uploads';
$wgFileExtensions = [ 'png', 'jpg', 'svg', 'pdf' ];
$wgUseImageResize = false;

// What a page shows is read from PostgreSQL on each request: a demo of backups must not answer from memory.
$wgMainCacheType = CACHE_NONE;
$wgMessageCacheType = CACHE_NONE;
$wgParserCacheType = CACHE_NONE;
$wgSessionCacheType = CACHE_DB;
$wgEnableParserCache = false;
$wgUseLocalMessageCache = false;

$wgCacheDirectory = '/var/cache/mediawiki';
$wgLocalisationCacheConf['store'] = 'array';
$wgLocalisationCacheConf['manualRecache'] = true;

// A page view writes nothing: no jobs, no hit counters, no notices of other sites.
$wgJobRunRate = 0;
$wgPingback = false;
$wgEnableEmail = false;
$wgGroupPermissions['*']['createaccount'] = false;

$wgSecretKey = getenv( 'WIKI_SECRET_KEY' ) ?: hash( 'sha256', "handover demo wiki $wgDBpassword" );
$wgAuthenticationTokenVersion = '1';

$wgDefaultSkin = 'vector-2022';
wfLoadSkin( 'Vector' );
wfLoadExtension( 'ParserFunctions' );
wfLoadExtension( 'WikiEditor' );
