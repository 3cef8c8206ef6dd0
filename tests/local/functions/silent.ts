console.log("loaded, and serves nothing");
