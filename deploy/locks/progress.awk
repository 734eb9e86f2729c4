# What pip says while it installs a lock, in short: how many packages it has, and whatever is no routine.
# -v total=how many there are; pip's exit status comes in the last line, as "exit status N".

/^(Collecting|Requirement already satisfied:) / {
	seen++
	if (tty) printf "\r    %d of %d packages", seen, total
	else if (seen % 20 == 0) printf "    %d of %d packages\n", seen, total
	fflush()
	next
}
/^Installing collected packages/ {
	if (tty) printf "\r"
	printf "    %d of %d packages found; writing them\n", seen, total
	fflush()
	next
}
/^exit status / { status = $3; next }
/^ / || /^(Looking in|Processing|Obtaining|Preparing|Installing|Building|Created wheel|Stored in|Attempting|Successfully|Using cached|Downloading)/ {
	kept = kept $0 "\n"
	next
}
/./ { print > "/dev/stderr" }
END {
	# The last package of one that was there already leaves the line open.
	if (tty) printf "\r\033[K"
	if (status != 0) printf "%s", kept > "/dev/stderr"
	exit status
}
