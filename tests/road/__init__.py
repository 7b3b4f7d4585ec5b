"""`make road CHECK=id`: the places that make up one check, or one fault, each as `path:line`."""
