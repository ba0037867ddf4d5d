module example.com/security

go 1.26.0

// The versions of Resolverwatch and awscdk are filled in where the app is built.
